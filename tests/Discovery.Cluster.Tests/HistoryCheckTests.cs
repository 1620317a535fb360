using Discovery.Testing.Histories;

namespace Discovery.Cluster.Tests;

/// <summary>The check finds what it is there for: each test plants one violation in a right history.</summary>
public sealed class HistoryCheckTests
{
    private static readonly Operation First = Put(client: 0, called: 1, returned: 2, revision: 2, value: "a");
    private static readonly Operation Second = Put(client: 1, called: 3, returned: 4, revision: 3, value: "b");
    private static readonly Change[] Changes = [new(2, "k", "a"), new(3, "k", "b")];

    [Fact]
    public void Right_history_has_no_violations() => Assert.Empty(HistoryCheck.Violations(
        [
            First,
            Second,
            Get(called: 3, returned: 5, revision: 2, found: "a"),
            Get(called: 5, returned: 6, revision: 3, found: "b"),
            First with { Value = "never", Outcome = Outcome.Unknown, Revision = 0, HasChanged = false },
            Swap(called: 5, returned: 6, revision: 4, expected: "b", value: "c"),
        ],
        [.. Changes, new(4, "k", "c")]));

    [Fact]
    public void Acknowledged_write_that_is_missing_is_found() => Finds("lost", [First, Second], Changes[..1]);

    [Fact]
    public void Acknowledged_write_at_another_revision_is_found() => Finds("lost", [First with { Revision = 3 }], [new(2, "k", "a")]);

    [Fact]
    public void Revision_that_was_given_twice_is_found() =>
        Finds("one revision for several writes", [First, Second with { Revision = 2 }], Changes);

    [Fact]
    public void Failed_write_that_took_effect_is_found() => Finds("nobody's", [First, Second with { Outcome = Outcome.Failed }], Changes);

    [Fact]
    public void Unknown_write_that_took_effect_twice_is_found() =>
        Finds("nobody's", [First with { Outcome = Outcome.Unknown }], [new(2, "k", "a"), new(3, "k", "a")]);

    [Fact]
    public void Delete_that_nobody_asked_for_is_found() => Finds("nobody's delete", [First], [new(2, "k", "a"), new(3, "k", null)]);

    [Fact]
    public void Stale_read_is_found() => Finds("stale", [First, Second, Get(called: 5, returned: 6, revision: 2, found: "a")], Changes);

    [Fact]
    public void Read_of_another_value_than_at_its_revision_is_found() =>
        Finds("wrong at its revision", [First, Second, Get(called: 5, returned: 6, revision: 3, found: "a")], Changes);

    [Fact]
    public void Swap_of_what_was_not_there_is_found() =>
        Finds("wrong at its revision", [First, Swap(called: 3, returned: 4, revision: 3, expected: "x", value: "b")], Changes);

    [Fact]
    public void Refused_swap_of_what_was_there_is_found() => Finds(
        "wrong at its revision",
        [First, Second, Swap(called: 5, returned: 6, revision: 3, expected: "b", value: "c") with { HasChanged = false, Found = "b" }],
        Changes);

    [Fact]
    public void Unknown_write_that_came_before_what_was_answered_before_it_is_found() =>
        Finds("stale", [First with { Called = 9, Outcome = Outcome.Unknown }, Second], Changes);

    [Fact]
    public void Revisions_that_go_back_are_found() => Finds("history goes from", [First, Second], [Changes[1], Changes[0]]);

    private static void Finds(string violation, Operation[] operations, Change[] changes) =>
        Assert.Contains(HistoryCheck.Violations(operations, changes), line => line.StartsWith(violation, StringComparison.Ordinal));

    private static Operation Put(int client, long called, long returned, long revision, string value) => new()
    {
        Client = client,
        Kind = OperationKind.Put,
        Key = "k",
        Value = value,
        Called = called,
        Returned = returned,
        Outcome = Outcome.Ok,
        Revision = revision,
        HasChanged = true,
        Member = "m1",
    };

    private static Operation Get(long called, long returned, long revision, string? found) =>
        Put(client: 9, called, returned, revision, value: "") with { Kind = OperationKind.Get, Value = null, HasChanged = false, Found = found };

    private static Operation Swap(long called, long returned, long revision, string? expected, string value) =>
        Put(client: 9, called, returned, revision, value) with { Kind = OperationKind.CompareAndSwap, Expected = expected };
}
