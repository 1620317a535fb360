using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using static Discovery.Simulator.Tests.Checks.TestKeyspace;

namespace Discovery.Simulator.Tests.Checks;

public sealed class RevisionHistoryTests
{
    private readonly TestKeyspace _keyspace = new();

    [Fact]
    public void Same_history_on_every_member_passes()
    {
        var other = new TestKeyspace();
        foreach (TestKeyspace member in (TestKeyspace[])[_keyspace, other])
        {
            member.Put("a", "1");
            member.Delete("a");
            member.Put("b", "1");
        }

        _keyspace.History.Read("other", other.View);

        Assert.Equal(4, _keyspace.History.Last);
    }

    [Fact]
    public void Other_change_at_a_revision_is_found()
    {
        var other = new TestKeyspace();
        _keyspace.Put("a", "1");
        other.Put("a", "2");

        AssertBroken("one history", () => _keyspace.History.Read("other", other.View));
    }

    [Fact]
    public void Version_that_does_not_follow_is_found()
    {
        _keyspace.Put("a", "1");

        AssertBroken("one history", () => _keyspace.History.Add("other", 3, [(false, ScriptedHistory.Pair("a", "2", 3, version: 3))]));
    }

    [Fact]
    public void Reads_of_the_past_and_of_lagging_members_show_one_revision()
    {
        _keyspace.Put("a", "1");
        _keyspace.Put("a", "2");
        _keyspace.Put("b", "1");
        var reads = new ReadCheck(_keyspace.Position, _keyspace.History);
        var past = new RangeRequest { Key = Bytes("a"), RangeEnd = Bytes("c"), Revision = 3 };
        var stale = new RangeRequest { Key = Bytes("a"), Serializable = true };

        reads.Answered(past, _keyspace.View.Range(past));
        reads.Answered(stale, ScriptedHistory.Found(2, ScriptedHistory.Pair("a", "1", 2)));

        AssertBroken("reads show one revision", () => reads.Answered(stale, ScriptedHistory.Found(2, ScriptedHistory.Pair("a", "2", 3, version: 2))));
        AssertBroken("reads show one revision", () => reads.Answered(stale, ScriptedHistory.Found(5, ScriptedHistory.Pair("a", "2", 3, version: 2))));
        AssertBroken("reads show one revision", () => reads.Answered(past, ScriptedHistory.Found(4)));
    }

    private static void AssertBroken(string rule, Action act) => Assert.Equal(rule, Assert.Throws<ViolationException>(act).Violation.Checker);
}
