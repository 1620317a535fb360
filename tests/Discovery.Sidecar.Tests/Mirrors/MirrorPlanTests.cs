using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Tests.Mirrors;

public sealed class MirrorPlanTests
{
    private const string Host = "host1";

    [Fact]
    public void Missing_changed_and_expiring_entries_are_put_and_right_ones_left_alone()
    {
        MirrorPlan plan = Plan(
            wanted: [Entry("a"), Entry("b"), Entry("c"), Entry("d")],
            found: [Found("b", mark: "old"), Found("c"), Found("d") with { IsLasting = false }]);

        Assert.Equal(["a", "b", "d"], plan.Puts.Select(static e => e.Key));
        Assert.Empty(plan.Removals);
    }

    [Theory]
    [InlineData("host1:web:80", true)]
    [InlineData("host1:web:80:udp", true)]
    [InlineData("host1:web:80@10.0.0.1:32770", true)]
    [InlineData("host10:web:80", false)]
    [InlineData("host1:8500:web:80", false)]
    [InlineData("host:web:80", false)]
    [InlineData("host1-web-80", false)]
    [InlineData("host1:web:http", false)]
    [InlineData("host1:", false)]
    [InlineData("web", false)]
    public void Unwanted_entry_is_removed_only_when_its_id_names_this_host_exactly(string id, bool isRemoved)
    {
        MirrorPlan plan = Plan(wanted: [], found: [Found("k") with { Id = id }]);

        Assert.Equal(isRemoved ? 1 : 0, plan.Removals.Length);
    }

    [Fact]
    public void Unwanted_entry_on_our_lease_is_removed_whatever_its_id() =>
        Assert.Single(Plan(wanted: [], found: [Found("k") with { Id = "free", IsOurs = true }]).Removals);

    [Fact]
    public void Entry_with_an_id_of_its_own_is_removed_by_who_wrote_it_as_long_as_it_stands_as_written()
    {
        FoundEntry there = Found("k") with { Id = "free" };

        Assert.Single(Plan(wanted: [], found: [there], written: [Entry("k")]).Removals);
        Assert.Empty(Plan(wanted: [], found: [there with { Mark = "another host's" }], written: [Entry("k")]).Removals);
    }

    [Fact]
    public void Entry_whose_unreadable_part_changed_is_put_again() =>
        Assert.Single(Plan(wanted: [Entry("k") with { Value = "new check" }], found: [Found("k")], written: [Entry("k")]).Puts);

    [Fact]
    public void Lapsing_entry_is_let_go_once_and_neither_put_nor_removed()
    {
        MirrorEntry lapsing = Entry("k") with { IsLapsing = true };

        MirrorPlan first = Plan(wanted: [lapsing], found: [Found("k")], written: [Entry("k")]);
        MirrorPlan second = Plan(wanted: [lapsing], found: [Found("k")], written: [lapsing]);
        MirrorPlan expired = Plan(wanted: [lapsing], found: []);
        MirrorPlan livesAgain = Plan(wanted: [Entry("k")], found: [Found("k")], written: [lapsing]);

        Assert.Single(first.Releases);
        Assert.True(second.IsEmpty);
        Assert.True(expired.IsEmpty);
        Assert.Single(livesAgain.Puts);
    }

    private static MirrorPlan Plan(MirrorEntry[] wanted, FoundEntry[] found, MirrorEntry[]? written = null) => MirrorPlan.Make(
        wanted.ToDictionary(static e => e.Key), found.ToDictionary(static e => e.Key), (written ?? []).ToDictionary(static e => e.Key), Host);

    private static MirrorEntry Entry(string key) => new($"{Host}:{key}:80", key, "value", "value", IsLapsing: false);

    private static FoundEntry Found(string key, string mark = "value") => new($"{Host}:{key}:80", key, mark, IsOurs: false, IsLasting: true);
}
