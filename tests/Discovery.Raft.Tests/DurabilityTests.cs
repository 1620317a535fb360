namespace Discovery.Raft.Tests;

/// <summary>
/// Nothing is promised before it is durable, and the network does not wait for the disk otherwise (Raft §5; thesis
/// §10.2.1). <see cref="Safety"/> looks at every promise as well, in all tests.
/// </summary>
public sealed class DurabilityTests
{
    [Fact]
    public void Candidate_asks_for_votes_once_its_term_is_durable()
    {
        var nodes = new Nodes(3);
        nodes[1].IsDiskSlow = true;

        nodes[1].Campaign();
        nodes.Run();
        Assert.Equal(RaftRole.Candidate, nodes[1].Role);
        Assert.DoesNotContain(nodes.Sent, static message => message.Kind == MessageKind.VoteRequest);

        nodes[1].FinishWrite();
        nodes.Run();
        Assert.Equal(RaftRole.Leader, nodes[1].Role);
    }

    [Fact]
    public void Vote_leaves_once_it_is_durable()
    {
        var nodes = new Nodes(3);
        nodes[2].IsDiskSlow = true;
        nodes[3].Crash();

        nodes[1].Campaign();
        nodes.Run();
        Assert.Equal(new HardState(2, Nodes.Id(1), 1), nodes[2].Node.Status.HardState);
        Assert.Equal(RaftRole.Candidate, nodes[1].Role);

        nodes[2].FinishWrite();
        nodes.Run();
        Assert.Equal(RaftRole.Leader, nodes[1].Role);
    }

    [Fact]
    public void Vote_that_was_not_durable_is_forgotten_in_a_crash_and_may_go_to_another()
    {
        var nodes = new Nodes(3);
        nodes[3].IsDiskSlow = true;
        nodes[1].Campaign();
        nodes.Run(static message => message.To != Nodes.Id(2) || message.Kind == MessageKind.PreVoteRequest);
        Assert.Equal(Nodes.Id(1), nodes[3].Node.Status.HardState.VotedFor);

        nodes[3].Crash();
        nodes[1].Crash();
        nodes[3].Start();
        nodes[3].IsDiskSlow = false;
        nodes.Wire.Clear();

        nodes.Elect(2);
        Assert.Equal(Nodes.Id(2), nodes[3].Node.Leader);
    }

    [Fact]
    public void Only_voter_leads_once_its_own_vote_is_durable()
    {
        var nodes = new Nodes(1);
        nodes[1].IsDiskSlow = true;

        nodes[1].Campaign();
        nodes.Turn();
        nodes[1].Receive(new Message(MessageKind.VoteResponse, Nodes.Id(9), Nodes.Id(1), 2));
        Assert.Equal((RaftRole.Candidate, new HardState(2, Nodes.Id(1), 1)), (nodes[1].Role, nodes[1].Writing!.HardState));

        nodes[1].FinishWrite();
        Assert.Equal(RaftRole.Leader, nodes[1].Role);
    }

    [Fact]
    public void Entry_is_acknowledged_once_it_is_durable()
    {
        var nodes = new Nodes(2);
        nodes.Elect(1);
        nodes[2].IsDiskSlow = true;

        nodes[1].Propose(7);
        nodes.Run();
        Assert.Equal((3UL, 2UL), (nodes[2].Node.Status.Last.Index, nodes[1].Commit));

        nodes[2].FinishWrite();
        nodes.Run();
        Assert.Equal(3UL, nodes[1].Commit);
    }

    [Fact]
    public void Leader_counts_itself_once_its_entry_is_durable()
    {
        var nodes = new Nodes(2);
        nodes.Elect(1);
        nodes[1].IsDiskSlow = true;

        nodes[1].Propose(7);
        nodes.Run();
        Assert.Equal((3UL, 2UL), (nodes[1].Follower(2).Match, nodes[1].Commit));

        nodes[1].FinishWrite();
        Assert.Equal(3UL, nodes[1].Commit);
    }

    [Fact]
    public void Followers_commit_while_the_leaders_own_disk_is_slow()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        nodes[1].IsDiskSlow = true;

        nodes[1].Propose(7);
        nodes.Run();

        Assert.Equal(2UL, nodes[1].Node.Status.Persisted);
        Assert.All(nodes.All, static member => Assert.Equal([7], member.Commands));
    }

    /// <summary>The commit index may be far ahead of the leader's own disk; a restart needs the log up to it.</summary>
    [Fact]
    public void Commit_index_goes_to_disk_only_as_far_as_the_log_there()
    {
        var nodes = new Nodes(3, Nodes.Settings with { BatchBytesMax = 10 });
        nodes.Elect(1);
        nodes[1].IsDiskSlow = true;
        for (byte i = 0; i < 5; i++)
        {
            nodes[1].Propose(i, bytes: 10);
        }

        nodes.Run();
        nodes[1].FinishWrite();
        nodes.Turn();
        nodes[1].FinishWrite();
        nodes[1].Crash();
        nodes[1].Start();

        Assert.Equal((new EntryId(2, 4), 4UL), (nodes[1].Node.Status.Last, nodes[1].Commit));
    }

    [Fact]
    public void Next_batch_waits_for_the_one_before_and_takes_all_that_came_in()
    {
        var nodes = new Nodes(1);
        nodes.Elect(1);
        nodes[1].IsDiskSlow = true;
        nodes[1].Propose(1);
        nodes.Turn();
        nodes[1].Propose(2);
        nodes[1].Propose(3);
        nodes.Turn();

        Assert.Equal([3UL], nodes[1].Writing!.Entries.Select(static entry => entry.Id.Index));
        nodes[1].FinishWrite();
        nodes.Turn();
        Assert.Equal([4UL, 5UL], nodes[1].Writing!.Entries.Select(static entry => entry.Id.Index));
    }

    /// <summary>
    /// The batch on its way to the disk is replaced meanwhile: that it is durable says nothing about what took its place
    /// (etcd-io/raft calls this the ABA race of asynchronous writes).
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Batch_that_was_replaced_while_it_was_written_acknowledges_nothing(bool sameAgain)
    {
        var nodes = new Nodes(3);
        Member follower = nodes[3];
        follower.IsDiskSlow = true;
        follower.Receive(Append(1, term: 2, new EntryId(1, 1), 2, 2, 2));
        follower.FinishWrite();
        nodes.Turn();
        Assert.Equal(3, follower.Writing!.Entries.Count);

        follower.Receive(Append(2, term: 3, new EntryId(1, 1), 3));
        if (sameAgain)
        {
            follower.Receive(Append(1, term: 4, new EntryId(1, 1), 2, 2, 2, 4));
        }

        nodes.Turn();
        nodes.Sent.Clear();
        follower.FinishWrite();
        nodes.Turn();
        Assert.DoesNotContain(nodes.Sent, static message => message.Accepted);
        Assert.Equal(1UL, follower.Node.Status.Persisted);

        follower.FinishWrite();
        nodes.Turn();
        Message acknowledgement = Assert.Single(nodes.Sent, static message => message.Accepted);
        Assert.Equal(sameAgain ? new EntryId(4, 5) : new EntryId(3, 2), acknowledgement.Log);
        Assert.Equal(follower.Node.Status.Last, follower.Disk.Log[^1].Id);
    }

    [Fact]
    public void Acknowledgement_that_waited_is_not_given_to_an_older_leader()
    {
        var nodes = new Nodes(3);
        nodes[3].IsDiskSlow = true;
        nodes[3].Receive(Append(1, term: 2, new EntryId(1, 1), 2));
        nodes.Turn();
        nodes[3].Receive(new Message(MessageKind.VoteRequest, Nodes.Id(2), Nodes.Id(3), 3) { Accepted = true });

        nodes[3].IsDiskSlow = false;
        nodes[3].FinishWrite();
        nodes.Turn();

        Assert.DoesNotContain(nodes.Sent, static message => message.Kind == MessageKind.AppendResponse);
    }

    /// <summary>A disk that hangs for long must not gather promises without end.</summary>
    [Fact]
    public void Repeated_message_is_promised_once_however_long_the_disk_takes()
    {
        var nodes = new Nodes(3);
        nodes[3].IsDiskSlow = true;
        for (int i = 0; i < 1_000; i++)
        {
            nodes[3].Receive(Append(1, term: 2, new EntryId(1, 1), 2, 2));
            nodes[3].Receive(Append(1, term: 2, new EntryId(2, 3)));
            nodes[3].Receive(Append(1, term: 2, new EntryId(1, 1), 2));
            nodes.Turn();
        }

        nodes[3].IsDiskSlow = false;
        nodes[3].FinishWrite();
        nodes.Turn();

        Assert.Equal([2UL, 3UL], nodes.Sent.Where(static message => message.Accepted).Select(static message => message.Log.Index).Order());
    }

    private static Message Append(ulong from, ulong term, EntryId before, params ulong[] terms) =>
        new(MessageKind.Append, Nodes.Id(from), Nodes.Id(3), term)
        {
            Log = before,
            Index = 1,
            Entries = terms.Select((entryTerm, i) => new Entry(
                new EntryId(entryTerm, before.Index + 1 + (ulong)i), EntryKind.Command, new[] { (byte)entryTerm })).ToArray(),
        };
}
