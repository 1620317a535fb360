namespace Discovery.Raft.Tests;

/// <summary>Who becomes leader, and when (Raft §5.2, §5.4.1; thesis §9.6).</summary>
public sealed class ElectionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Members_elect_exactly_one_leader_by_themselves(int voters)
    {
        var nodes = new Nodes(voters);

        nodes.TickUntil(() => nodes.Leader is not null);

        Assert.All(nodes.All, member => Assert.Equal(nodes.Leader!.Id, member.Node.Leader));
        Assert.Single(nodes.All, static member => member.Role == RaftRole.Leader);
    }
}
