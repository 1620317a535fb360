namespace Discovery.Raft.Tests;

/// <summary>Who becomes leader, and when (Raft §5.2, §5.4.1).</summary>
public sealed class ElectionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Members_elect_one_leader_by_themselves(int voters)
    {
        var nodes = new Nodes(voters);

        nodes.TickUntil(() => nodes.Leader is not null);

        Assert.Single(nodes.All, static member => member.Role == RaftRole.Leader);
        Assert.All(nodes.All, member => Assert.Equal(nodes.Leader!.Id, member.Node.Leader));
    }

    [Fact]
    public void Silence_is_borne_for_one_to_two_election_timeouts()
    {
        List<int> waits = [];
        for (int seed = 0; seed < 100; seed++)
        {
            var nodes = new Nodes(2, Nodes.Settings with { Seed = seed });
            int ticks = 0;
            for (; nodes[1].Role == RaftRole.Follower; ticks++)
            {
                nodes[1].Tick();
            }

            waits.Add(ticks);
        }

        Assert.Equal((10, 19), (waits.Min(), waits.Max()));
    }

    [Fact]
    public void Candidate_whose_log_is_older_is_refused()
    {
        var nodes = new Nodes(3, terms: static id => id == 1 ? [2] : [2, 3]);

        nodes[1].Campaign();
        nodes.Run();

        Assert.Null(nodes.Leader);
        Assert.All(nodes.All, static member => Assert.Equal(3UL, member.Node.Term));
    }

    /// <summary>Raft §5.4.1: the term of the last entry decides first, then the length.</summary>
    [Fact]
    public void Newer_last_term_wins_over_a_longer_log()
    {
        var nodes = new Nodes(3, terms: static id => id == 1 ? [3] : [2, 2, 2, 2]);

        nodes.Elect(1);

        Assert.All(nodes.All, static member => Assert.Equal(new EntryId(4, 3), member.Node.Status.Last));
    }

    [Fact]
    public void Vote_is_given_once_a_term_and_repeated_to_whom_it_was_given()
    {
        var nodes = new Nodes(3);
        Message first = Ask(MessageKind.VoteRequest, 1, 3, term: 5);

        foreach (Message request in (Message[])[first, Ask(MessageKind.VoteRequest, 2, 3, term: 5), first])
        {
            nodes.Deliver(request);
            nodes.Turn();
        }

        Assert.Equal([(1UL, true), (2UL, false), (1UL, true)], nodes.Sent.Select(static message => (message.To.Value, message.Accepted)));
    }

    /// <summary>Answers to its own question that come late must not make it a rival of the one that it voted for.</summary>
    [Fact]
    public void Member_that_gives_its_vote_asks_no_more_for_itself()
    {
        var nodes = new Nodes(3);
        nodes[3].Receive(new Message(MessageKind.VoteResponse, Nodes.Id(1), Nodes.Id(3), 2));
        nodes[3].Campaign();
        nodes.Turn();

        nodes[3].Receive(Ask(MessageKind.VoteRequest, 1, 3, term: 2));
        nodes[3].Receive(new Message(MessageKind.PreVoteResponse, Nodes.Id(2), Nodes.Id(3), 3) { Accepted = true });

        Assert.Equal((RaftRole.Follower, 2UL), (nodes[3].Role, nodes[3].Node.Term));
    }

    [Fact]
    public void Split_vote_is_settled_in_a_later_term()
    {
        var nodes = new Nodes(4);
        nodes[1].Campaign();
        nodes[2].Campaign();
        nodes.Run(static message => message.Kind is MessageKind.PreVoteRequest or MessageKind.PreVoteResponse);
        Assert.Equal((RaftRole.Candidate, RaftRole.Candidate), (nodes[1].Role, nodes[2].Role));

        nodes.Deliver(static message => (message.From.Value, message.To.Value) is (1, 3) or (2, 4));
        nodes.Run();

        Assert.Null(nodes.Leader);
        nodes.TickUntil(() => nodes.Leader is not null);
        Assert.True(nodes.Leader!.Node.Term > 2);
    }

    [Fact]
    public void Candidate_that_a_majority_refuses_waits_again()
    {
        var nodes = new Nodes(3);
        nodes[1].Campaign();
        nodes.Run(static message => message.Kind is MessageKind.PreVoteRequest or MessageKind.PreVoteResponse);
        Assert.Equal(RaftRole.Candidate, nodes[1].Role);

        nodes.Deliver(new Message(MessageKind.VoteResponse, Nodes.Id(2), Nodes.Id(1), 2));
        nodes.Deliver(new Message(MessageKind.VoteResponse, Nodes.Id(3), Nodes.Id(1), 2));

        Assert.Equal((RaftRole.Follower, 2UL), (nodes[1].Role, nodes[1].Node.Term));
    }

    [Fact]
    public void Answers_count_once_and_only_for_the_election_that_asked()
    {
        var nodes = new Nodes(5);
        nodes[1].Campaign();
        nodes.Turn();
        var yes = new Message(MessageKind.PreVoteResponse, Nodes.Id(2), Nodes.Id(1), 2) { Accepted = true };

        nodes.Deliver(yes);
        nodes.Deliver(yes);
        nodes.Deliver(yes with { From = Nodes.Id(3), Term = 3 });
        nodes.Deliver(yes with { From = Nodes.Id(3), Kind = MessageKind.VoteResponse, Term = 1 });
        Assert.Equal(RaftRole.PreCandidate, nodes[1].Role);

        nodes.Deliver(yes with { From = Nodes.Id(3) });
        nodes.Turn();
        nodes.Deliver(yes with { From = Nodes.Id(4) });
        nodes.Deliver(yes with { From = Nodes.Id(5) });
        Assert.Equal(RaftRole.Candidate, nodes[1].Role);
    }

    [Fact]
    public void Vote_of_who_is_no_member_is_not_counted()
    {
        var nodes = new Nodes(3);
        nodes[1].Campaign();
        nodes.Run(static message => message.Kind is MessageKind.PreVoteRequest or MessageKind.PreVoteResponse);

        nodes.Deliver(new Message(MessageKind.VoteResponse, Nodes.Id(77), Nodes.Id(1), 2) { Accepted = true });

        Assert.Equal(RaftRole.Candidate, nodes[1].Role);
    }

    [Fact]
    public void Node_that_knows_no_members_waits_and_never_stands()
    {
        var nodes = new Nodes(1);
        Member stranger = nodes.Add(9);

        for (int i = 0; i < 100; i++)
        {
            stranger.Tick();
            stranger.Campaign();
        }

        Assert.Equal((RaftRole.Follower, 0UL, false), (stranger.Role, stranger.Node.Term, stranger.Node.HasReady));
    }

    [Fact]
    public void Message_for_another_member_is_not_heard()
    {
        var nodes = new Nodes(3);
        nodes.Turn();

        nodes[1].Receive(Ask(MessageKind.VoteRequest, 2, 3, term: 50));

        Assert.Equal(1UL, nodes[1].Node.Term);
        Assert.False(nodes[1].Node.HasReady);
    }

    private static Message Ask(MessageKind kind, ulong from, ulong to, ulong term) =>
        new(kind, Nodes.Id(from), Nodes.Id(to), term) { Log = new EntryId(1, 1) };
}
