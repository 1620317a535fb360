namespace Discovery.Raft.Tests;

/// <summary>Members without a vote: they get the log, and decide nothing (Raft thesis §4.2.1).</summary>
public sealed class LearnerTests
{
    [Fact]
    public void Member_that_knows_nothing_learns_the_whole_log()
    {
        Nodes nodes = WithLearner(voters: 1);
        nodes[1].Propose(7);
        nodes.Run();

        Assert.Equal([7], nodes[9].Commands);
        Assert.Equal("voters [0000000000000001], learners [0000000000000009]", nodes[9].Node.Membership.ToString());
    }

    [Fact]
    public void Change_of_learners_needs_no_joint_membership()
    {
        Nodes nodes = WithLearner(voters: 3);

        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Change([1, 2, 3]));

        Assert.False(nodes[1].Node.Membership.IsJoint);
        Assert.False(nodes[1].Node.Membership.Contains(Nodes.Id(9)));
    }

    [Fact]
    public void Learner_counts_towards_no_commit()
    {
        Nodes nodes = WithLearner(voters: 3);
        nodes.Isolate(2, 3);

        nodes[1].Propose(7);
        nodes.Run();

        Assert.Equal((4UL, 3UL), (nodes[1].Follower(9).Match, nodes[1].Commit));
    }

    [Fact]
    public void Leader_that_hears_only_learners_steps_down()
    {
        Nodes nodes = WithLearner(voters: 3);
        nodes.Isolate(2, 3);

        nodes.Tick(20);

        Assert.NotEqual(RaftRole.Leader, nodes[1].Role);
    }

    [Fact]
    public void Learner_never_stands_for_election()
    {
        Nodes nodes = WithLearner(voters: 2);
        nodes[1].Crash();

        nodes[9].Campaign();
        nodes.Tick(100);

        Assert.Equal((RaftRole.Follower, 2UL, (NodeId?)null), (nodes[9].Role, nodes[9].Node.Term, nodes[9].Node.Leader));
        Assert.Null(nodes.Leader);
    }

    [Fact]
    public void Learners_vote_is_not_counted()
    {
        Nodes nodes = WithLearner(voters: 3);
        nodes[1].Crash();
        nodes.Tick(9);
        nodes[3].Crash();
        nodes.TickUntil(() => nodes[2].Role == RaftRole.PreCandidate);

        nodes.Deliver(new Message(MessageKind.PreVoteResponse, Nodes.Id(9), Nodes.Id(2), 3) { Accepted = true });

        Assert.Equal(RaftRole.PreCandidate, nodes[2].Role);
    }

    /// <summary>It may not have heard yet that it is a voter, and without it there may be no majority.</summary>
    [Fact]
    public void Learner_votes_when_it_is_asked()
    {
        Nodes nodes = WithLearner(voters: 1);
        nodes.Isolate(9);
        nodes[1].Change([1, 9]);
        nodes.Run();
        nodes[1].Crash();
        nodes[1].Start();
        nodes.Heal();
        Assert.False(nodes[9].Node.Membership.IsVoter(Nodes.Id(9)));

        nodes.TickUntil(() => nodes[9].Node.Membership.IsVoter(Nodes.Id(9)));
        nodes.Tick(2);

        Assert.Equal("voters [0000000000000001 0000000000000009]", nodes[9].Node.Membership.ToString());
    }

    [Fact]
    public void Learner_reads_through_the_leader()
    {
        Nodes nodes = WithLearner(voters: 3);

        nodes[9].Node.TryReadIndex(42);
        nodes.Run();

        Assert.Equal([new ReadState(42, 3)], nodes[9].Reads);
    }

    private static Nodes WithLearner(int voters)
    {
        var nodes = new Nodes(voters);
        nodes.Elect(1);
        nodes.Add(9);
        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Change([.. Enumerable.Range(1, voters).Select(static id => (ulong)id)], 9));
        nodes.Tick(2);
        return nodes;
    }
}
