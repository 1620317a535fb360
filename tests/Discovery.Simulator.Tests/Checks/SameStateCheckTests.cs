using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using Discovery.Store.Keyspace;
using static Discovery.Simulator.Tests.Checks.TestKeyspace;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>Two members apply the same entries; one of them then differs in one thing.</summary>
public sealed class SameStateCheckTests
{
    private readonly SameStateCheck _check = new(new RunPosition());
    private readonly KeyspaceState _one = Filled("same");

    [Fact]
    public void Same_state_passes_also_when_it_was_restored_from_a_snapshot()
    {
        _check.Read("one", _one.Publish());
        _check.Read("two", Filled("same").Publish());
        _check.Read("three", Restored(_one.Publish()).Publish());

        _check.CompareAll([("one", _one.Publish()), ("two", Filled("same").Publish()), ("three", Restored(_one.Publish()).Publish())]);
    }

    [Fact]
    public void Other_number_is_found()
    {
        KeyspaceState two = Filled("same");
        _one.Skip(9);
        _ = two.Apply(9, new Command(CommandKind.Put, PutOf("c", "")));

        AssertDifferent("has revision", two);
    }

    [Fact]
    public void Other_value_of_the_same_length_is_found() => AssertDifferent("show different keys", Filled("SAME"));

    [Fact]
    public void Other_lease_of_a_key_is_found()
    {
        KeyspaceState two = Filled("same", lease: 2);

        AssertDifferent("show different keys", two);
    }

    /// <summary>Goal: a difference that only a read of the past shows is found; how: an old value, replaced since.</summary>
    [Fact]
    public void Other_history_is_found() => AssertDifferent("different histories", Filled("same", old: "OLD"));

    [Fact]
    public void Difference_between_members_that_meet_at_the_end_only_is_found()
    {
        Assert.Throws<ViolationException>(() => _check.CompareAll([("one", _one.Publish()), ("two", Filled("same", old: "OLD").Publish())]));
    }

    private void AssertDifferent(string why, KeyspaceState two)
    {
        _check.Read("one", _one.Publish());

        Violation violation = Assert.Throws<ViolationException>(() => _check.Read("two", two.Publish())).Violation;
        Assert.Equal("same state", violation.Checker);
        Assert.Contains(why, violation.Text, StringComparison.Ordinal);
    }

    private static KeyspaceState Filled(string value, string old = "old", long lease = 1)
    {
        var state = new KeyspaceState();
        Command[] commands =
        [
            new(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 1, TTL = 10 }),
            new(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 2, TTL = 10 }),
            new(CommandKind.Put, PutOf("a", old)),
            new(CommandKind.Put, PutOf("a", value)),
            new(CommandKind.Put, PutOf("b", value, lease)),
        ];
        for (int i = 0; i < commands.Length; i++)
        {
            Assert.Null(state.Apply((ulong)i + 1, commands[i]).Error);
        }

        return state;
    }

    private static KeyspaceState Restored(KeyspaceView view)
    {
        var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        KeyspaceCodec.Write(view, writer);
        stream.Position = 0;
        return KeyspaceCodec.Read(new BinaryReader(stream));
    }
}
