namespace Discovery.Raft.Tests;

/// <summary>A leader hands over on purpose (Raft thesis §3.10).</summary>
public sealed class TransferTests
{
    [Fact]
    public void Successor_that_has_everything_leads_at_once()
    {
        Nodes nodes = Elected();

        Assert.True(nodes[1].Node.TransferLeadership(Nodes.Id(3)));
        nodes.Run();

        Assert.All(nodes.All, static member => Assert.Equal((Nodes.Id(3), 3UL), (member.Node.Leader, member.Node.Term)));
    }

    [Fact]
    public void Successor_is_brought_up_to_date_first_and_proposals_wait_meanwhile()
    {
        Nodes nodes = Elected();
        nodes.Isolate(3);
        nodes[1].Propose(1);
        nodes.Run();
        nodes[1].Node.TransferLeadership(Nodes.Id(3));

        Assert.Equal(ProposalOutcome.HandingOver, nodes[1].Propose(2));
        Assert.Equal(ProposalOutcome.HandingOver, nodes[1].Change([1, 2]));
        nodes.Run();
        Assert.Equal(RaftRole.Leader, nodes[1].Role);

        nodes.Heal();
        nodes.Tick(2);
        Assert.Equal(RaftRole.Leader, nodes[3].Role);
        Assert.Equal([1], nodes[3].Commands);
    }

    [Fact]
    public void Transfer_is_given_up_after_an_election_timeout()
    {
        Nodes nodes = Elected();
        nodes[3].Crash();
        nodes[1].Node.TransferLeadership(Nodes.Id(3));

        nodes.Tick(9);
        Assert.Equal(ProposalOutcome.HandingOver, nodes[1].Propose(1));
        nodes.Tick();

        Assert.Equal((RaftRole.Leader, ProposalOutcome.Accepted), (nodes[1].Role, nodes[1].Propose(1)));
    }

    [Fact]
    public void Reads_are_answered_while_leadership_is_handed_over()
    {
        Nodes nodes = Elected();
        nodes[3].Crash();
        nodes[1].Node.TransferLeadership(Nodes.Id(3));

        nodes[1].Node.TryReadIndex(42);
        nodes.Run();

        Assert.Single(nodes[1].Reads);
    }

    [Fact]
    public void Last_wish_counts()
    {
        Nodes nodes = Elected();
        nodes[3].Crash();
        nodes[1].Node.TransferLeadership(Nodes.Id(3));

        nodes[1].Node.TransferLeadership(Nodes.Id(2));
        nodes.Run();

        Assert.Equal(RaftRole.Leader, nodes[2].Role);
    }

    [Fact]
    public void Only_a_leader_hands_over_and_only_to_a_voter()
    {
        Nodes nodes = Elected();
        nodes.Add(4);
        nodes[1].Change([1, 2, 3], 4);
        nodes.Tick(2);

        Assert.False(nodes[2].Node.TransferLeadership(Nodes.Id(3)));
        Assert.False(nodes[1].Node.TransferLeadership(Nodes.Id(4)));
        Assert.False(nodes[1].Node.TransferLeadership(Nodes.Id(5)));
        Assert.True(nodes[1].Node.TransferLeadership(Nodes.Id(1)));
        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Propose(1));
    }

    [Fact]
    public void Call_to_lead_that_comes_late_or_to_the_wrong_one_changes_no_leader()
    {
        Nodes nodes = Elected();
        nodes.Add(4);
        nodes[1].Change([1, 2, 3], 4);
        nodes.Tick(2);
        nodes[1].Node.TransferLeadership(Nodes.Id(3));
        nodes.Run();
        var call = new Message(MessageKind.TimeoutNow, Nodes.Id(1), Nodes.Id(2), 2);

        nodes.Deliver(call);
        nodes.Deliver(call with { To = Nodes.Id(3) });
        nodes.Deliver(call with { To = Nodes.Id(4), Term = 3 });
        nodes.Run();

        Assert.All(nodes.All, static member => Assert.Equal((Nodes.Id(3), 3UL), (member.Node.Leader, member.Node.Term)));
    }

    /// <summary>Its own impatience must not make it deaf to the leader's call.</summary>
    [Fact]
    public void Successor_that_asks_already_whether_it_could_win_takes_the_call()
    {
        Nodes nodes = Elected();
        nodes[3].Campaign();
        nodes.Turn();
        nodes.Wire.Clear();
        Assert.Equal(RaftRole.PreCandidate, nodes[3].Role);

        nodes[1].Node.TransferLeadership(Nodes.Id(3));
        nodes.Run();

        Assert.Equal(RaftRole.Leader, nodes[3].Role);
    }

    private static Nodes Elected()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        return nodes;
    }
}
