namespace Discovery.Raft.Tests;

/// <summary>
/// When a leader goes and when it stays: pre-votes, the quorum that it must hear, and suspicion of a dead one (Raft §6,
/// thesis §4.2.3, §6.2, §9.6).
/// </summary>
public sealed class LeaderLossTests
{
    [Fact]
    public void Isolated_member_asks_in_vain_and_its_term_stays()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.Isolate(3);

        nodes.Tick(100);
        Assert.Equal((RaftRole.PreCandidate, 2UL), (nodes[3].Role, nodes[3].Node.Term));

        nodes.Heal();
        nodes.Tick(5);
        Assert.All(nodes.All, static member => Assert.Equal((Nodes.Id(1), 2UL), (member.Node.Leader, member.Node.Term)));
    }

    [Fact]
    public void Member_that_cannot_hear_the_leader_does_not_depose_it()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.Cut(1, 3);

        nodes.Tick(200);

        Assert.Equal((RaftRole.Leader, 2UL), (nodes[1].Role, nodes[1].Node.Term));
        Assert.Equal(2UL, nodes[2].Node.Term);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Vote_request_is_not_heard_while_a_leader_is(ulong asked)
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);

        nodes.Deliver(new Message(MessageKind.VoteRequest, Nodes.Id(3), Nodes.Id(asked), 9) { Log = new EntryId(9, 9) });
        nodes.Deliver(new Message(MessageKind.PreVoteRequest, Nodes.Id(3), Nodes.Id(asked), 9) { Log = new EntryId(9, 9) });

        Assert.Equal(2UL, nodes[asked].Node.Term);
        nodes.Run();
        Assert.Equal(RaftRole.Leader, nodes[1].Role);
    }

    [Fact]
    public void Follower_helps_another_once_it_has_not_heard_the_leader_for_an_election_timeout()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.Isolate(1);

        // Fewer ticks than make it stand itself.
        for (int i = 0; i < 9; i++)
        {
            nodes[2].Tick();
        }

        nodes[3].Campaign();
        nodes.Run();
        Assert.NotEqual(RaftRole.Leader, nodes[3].Role);

        nodes[2].Tick();
        nodes[3].Campaign();
        nodes.Run();
        Assert.Equal(RaftRole.Leader, nodes[3].Role);
    }

    /// <summary>A member may be a term ahead, elected by nobody; it must not stay outside for ever.</summary>
    [Fact]
    public void Member_of_a_newer_term_gets_a_leader_that_it_can_follow()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.Deliver(new Message(MessageKind.VoteResponse, Nodes.Id(2), Nodes.Id(3), 7));
        Assert.Equal(7UL, nodes[3].Node.Term);

        nodes.TickUntil(() => nodes.Leader is { } leader && nodes.All.All(member => member.Node.Leader == leader.Id));

        Assert.True(nodes.Leader!.Node.Term > 7);
    }

    [Fact]
    public void Leader_that_hears_no_majority_steps_down_within_two_election_timeouts()
    {
        var nodes = new Nodes(5);
        nodes.Elect(1);
        nodes.Isolate(1, 2);

        nodes.Tick(10);
        nodes.Tick(10);

        Assert.NotEqual(RaftRole.Leader, nodes[1].Role);
        Assert.Equal(ProposalOutcome.NotLeader, nodes[1].Propose(1));
    }

    [Fact]
    public void Leader_that_is_heard_but_hears_nobody_steps_down_too()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.CutOneWay(2, 1);
        nodes.CutOneWay(3, 1);

        nodes.TickUntil(() => nodes.Leader is { } leader && leader.Id != Nodes.Id(1));
    }

    [Fact]
    public void Leader_that_hears_half_of_the_others_stays()
    {
        var nodes = new Nodes(5);
        nodes.Elect(1);
        nodes.Isolate(4, 5);

        nodes.Tick(100);

        Assert.Equal((RaftRole.Leader, 2UL), (nodes[1].Role, nodes[1].Node.Term));
    }

    /// <summary>Whoever decides by it whether a member may be removed must not see all of them silent now and then.</summary>
    [Fact]
    public void Follower_that_answers_counts_as_active_at_every_moment()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes[3].Crash();
        nodes.Tick(20);

        for (int i = 0; i < 30; i++)
        {
            nodes[1].Tick();
            Assert.Equal((true, false), (nodes[1].Follower(2).IsActive, nodes[1].Follower(3).IsActive));
            nodes.Run();
        }
    }

    [Fact]
    public void Dead_leader_is_replaced_soon_when_all_find_it_unreachable()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var nodes = new Nodes(3, Nodes.Settings with { Seed = seed });
            nodes.Elect(1);
            nodes.Tick(3);
            nodes[1].Crash();
            nodes[2].Node.ReportUnreachable(Nodes.Id(1));
            nodes[3].Node.ReportUnreachable(Nodes.Id(1));

            nodes.TickUntil(() => nodes.Leader is not null, most: 19);
        }
    }

    [Fact]
    public void Suspicion_of_one_member_deposes_nobody()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.Cut(1, 3);

        for (int i = 0; i < 50; i++)
        {
            nodes[3].Node.ReportUnreachable(Nodes.Id(1));
            nodes.Tick();
        }

        Assert.Equal((RaftRole.Leader, 2UL), (nodes[1].Role, nodes[1].Node.Term));
    }

    /// <summary>A connection that broke and is there again must not leave an impatient member behind.</summary>
    [Fact]
    public void Suspicion_ends_when_the_leader_is_heard()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var nodes = new Nodes(3, Nodes.Settings with { Seed = seed });
            nodes.Elect(1);
            nodes[3].Node.ReportUnreachable(Nodes.Id(1));
            nodes[1].Tick();
            nodes.Run();

            for (int i = 0; i < 9; i++)
            {
                nodes[3].Tick();
            }

            Assert.Equal((RaftRole.Follower, Nodes.Id(1)), (nodes[3].Role, nodes[3].Node.Leader));
        }
    }
}
