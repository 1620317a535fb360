namespace Discovery.Raft.Tests;

/// <summary>How entries get to followers, and when they are committed (Raft §5.3, §5.4).</summary>
public sealed class ReplicationTests
{
    [Fact]
    public void Entry_is_applied_by_all_without_any_tick()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);

        Assert.Equal(ProposalOutcome.Accepted, nodes[1].Propose(7));
        nodes.Run();

        Assert.All(nodes.All, static member => Assert.Equal([7], member.Commands));
    }

    [Fact]
    public void Entry_needs_a_majority()
    {
        var nodes = new Nodes(5);
        nodes.Elect(1);
        nodes.Isolate(3, 4, 5);
        nodes[1].Propose(7);
        nodes.Run();
        Assert.Equal(2UL, nodes[1].Commit);

        nodes.Heal();
        nodes.TickUntil(() => nodes.All.All(static member => member.Commands.SequenceEqual([7])), most: 3);
    }

    [Fact]
    public void Proposals_of_one_turn_go_out_in_one_message()
    {
        var nodes = new Nodes(2);
        nodes.Elect(1);
        nodes.Sent.Clear();

        for (byte i = 0; i < 100; i++)
        {
            nodes[1].Propose(i);
        }

        nodes.Turn();

        Message append = Assert.Single(nodes.Sent);
        Assert.Equal(Enumerable.Range(0, 100), append.Entries.ToArray().Select(static entry => (int)entry.Payload.Span[0]));
    }

    /// <summary>
    /// Raft §5.4.2, figure 8: an entry of an older term is on a majority, and yet it may be overwritten; so it must not be
    /// called committed before one of the leader's own term is.
    /// </summary>
    [Fact]
    public void Entry_of_an_older_term_is_committed_only_by_one_of_the_own_term()
    {
        Nodes nodes = Figure8();
        Assert.Equal((4UL, 3UL, 2UL), (nodes[1].Node.Term, nodes[1].Follower(2).Match, nodes[1].Follower(3).Match));
        Assert.Equal(1UL, nodes[1].Commit);

        nodes.Loses = null;
        nodes.Tick(2);

        Assert.Equal(3UL, nodes[1].Commit);
    }

    [Fact]
    public void Entry_of_an_older_term_may_be_overwritten_although_a_majority_has_it()
    {
        Nodes nodes = Figure8();
        nodes[1].Crash();
        nodes[2].Crash();
        nodes.Wire.Clear();
        nodes.Loses = null;
        nodes.Heal();

        nodes.TickUntil(() => nodes[5].Role == RaftRole.Leader);
        nodes[1].Start();
        nodes[2].Start();
        nodes.Tick(20);

        Assert.All(nodes.All, static member => Assert.Equal(new EntryId(3, 2), member.Applied[1].Id));
    }

    /// <summary>Raft §5.3: both sides skip a whole term at a time.</summary>
    [Fact]
    public void Long_contradiction_is_settled_in_one_exchange_a_term()
    {
        var nodes = new Nodes(3, terms: static id => id switch
        {
            3 => Nodes.Terms((2, 100), (3, 100), (5, 100)),
            _ => Nodes.Terms((2, 50), (4, 100), (6, 200)),
        });
        nodes.Isolate(3);
        nodes.Elect(1);
        nodes.Heal();
        nodes.Sent.Clear();

        nodes.Tick();

        Assert.Equal(nodes[1].Node.Status.Last, nodes[3].Node.Status.Last);
        Assert.InRange(nodes.Sent.Count(static message => message.Kind == MessageKind.Append && message.To == Nodes.Id(3)), 2, 7);
    }

    [Fact]
    public void Short_log_is_filled_after_one_refusal()
    {
        var nodes = new Nodes(3, terms: static id => id == 3 ? [] : Nodes.Terms((2, 500)));
        nodes.Elect(1);

        Assert.Single(nodes.Sent, static message => message.Kind == MessageKind.AppendResponse && !message.Accepted);
        Assert.Equal(502UL, nodes[3].Node.Status.Last.Index);
    }

    [Fact]
    public void Late_message_does_not_cut_off_newer_entries()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes[1].Propose(1);
        nodes.Turn();
        Message first = nodes.Wire.First(static message => message.To == Nodes.Id(3));
        nodes.Run();
        nodes[1].Propose(2);
        nodes.Run();

        nodes.Deliver(first);
        nodes.Run();

        Assert.Equal(new EntryId(2, 4), nodes[3].Node.Status.Last);
        Assert.Equal([1, 2], nodes[3].Commands);
    }

    [Fact]
    public void Order_and_repetition_of_messages_do_not_matter()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        for (byte i = 0; i < 20; i++)
        {
            nodes[1].Propose(i);
            nodes.Turn();
        }

        for (int i = 0; i < 3; i++)
        {
            foreach (Message message in nodes.Wire.ToArray().Reverse())
            {
                nodes.Deliver(message);
            }
        }

        nodes.Tick(2);

        Assert.All(nodes.All, static member => Assert.Equal(Enumerable.Range(0, 20), member.Commands));
    }

    [Fact]
    public void Lost_entries_are_found_missing_by_the_next_heartbeat()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.Loses = static message => message.To == Nodes.Id(3);
        nodes[1].Propose(1);
        nodes[1].Propose(2);
        nodes.Run();
        nodes.Loses = null;

        nodes.Tick();

        Assert.Equal(4UL, nodes[3].Node.Status.Last.Index);
    }

    [Fact]
    public void Lost_word_of_a_commit_is_told_again_by_the_heartbeat()
    {
        var nodes = new Nodes(2);
        nodes.Elect(1);
        nodes[1].Propose(7);
        nodes.Loses = static message => message.Kind == MessageKind.Append && message.Entries.IsEmpty;
        nodes.Run();
        Assert.Empty(nodes[2].Commands);
        nodes.Loses = null;

        nodes.Tick();

        Assert.Equal([7], nodes[2].Commands);
    }

    /// <summary>What stands behind the last entry of the message may be of a leader that nobody followed.</summary>
    [Fact]
    public void Message_commits_nothing_behind_its_last_entry()
    {
        var nodes = new Nodes(3, terms: static _ => [2, 2, 2]);

        nodes[3].Receive(new Message(MessageKind.Append, Nodes.Id(1), Nodes.Id(3), 4)
        {
            Log = new EntryId(1, 1),
            Index = 4,
            Entries = new[] { nodes[1].Disk.Log[1] },
        });

        Assert.Equal((2UL, 4UL), (nodes[3].Commit, nodes[3].Node.Status.Last.Index));
    }

    [Fact]
    public void Heartbeat_commits_nothing_that_the_follower_may_not_have()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes[3].Receive(new Message(MessageKind.VoteResponse, Nodes.Id(2), Nodes.Id(3), 2));
        nodes.Loses = static message => message.To == Nodes.Id(3) && !message.Entries.IsEmpty;
        nodes[1].Propose(7);
        nodes.Tick(3);

        Assert.Equal((3UL, 2UL), (nodes[1].Commit, nodes[3].Commit));
    }

    [Fact]
    public void What_an_isolated_leader_took_is_replaced()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes.Isolate(1);
        for (byte i = 0; i < 10; i++)
        {
            nodes[1].Propose(i);
        }

        nodes.TickUntil(() => nodes.Leader is { } leader && leader.Id != Nodes.Id(1) && leader.Node.Term > 2);
        nodes.Leader!.Propose(99);
        nodes.Run();
        nodes.Heal();

        nodes.TickUntil(() => nodes[1].Commands.SequenceEqual([99]));
        Assert.Equal(nodes.Leader!.Disk.Log.Select(static entry => entry.Id), nodes[1].Disk.Log.Select(static entry => entry.Id));
    }

    /// <summary>Entry 2 of term 2 is on members 1 to 3 of five, member 5 has another; the leader's own entry is on 1 and 2.</summary>
    private static Nodes Figure8()
    {
        var nodes = new Nodes(5, Nodes.Settings with { MessageBytesMax = 1 }, static id => id switch
        {
            1 or 2 => [2],
            5 => [3],
            _ => [],
        });
        nodes.Isolate(5);
        nodes[1].Receive(new Message(MessageKind.VoteResponse, Nodes.Id(5), Nodes.Id(1), 3));
        nodes.Loses = message => message.Kind == MessageKind.Append
            && (message.To == Nodes.Id(4) || (message.To == Nodes.Id(3) && message.Log.Index == 2 && nodes[3].Node.Status.Last.Index == 2));
        nodes.Elect(1);
        return nodes;
    }
}
