namespace Discovery.Raft.Tests;

/// <summary>A member that is its own majority, and what every node does with its caller.</summary>
public sealed class OnlyVoterTests
{
    [Fact]
    public void Leads_without_asking_anybody_and_begins_with_an_entry_without_a_command()
    {
        var nodes = new Nodes(1);

        nodes.Elect(1);

        Assert.True(nodes[1].Node.IsOnlyVoter);
        Assert.Equal([EntryKind.Membership, EntryKind.NoOp], nodes[1].Applied.Select(static entry => entry.Kind));
        Assert.Empty(nodes.Sent);
    }

    [Fact]
    public void Reads_are_confirmed_at_once_and_come_with_the_state_that_they_must_see()
    {
        var nodes = new Nodes(1, Nodes.Settings with { BatchBytesMax = 10 });
        nodes.Elect(1);
        nodes[1].IsDiskSlow = true;
        nodes[1].Propose(1, bytes: 10);
        nodes[1].Propose(2, bytes: 10);
        for (int i = 0; i < 2; i++)
        {
            nodes[1].TurnOnce();
            nodes[1].FinishWrite();
        }

        Assert.Equal((4UL, 3), (nodes[1].Commit, nodes[1].Applied.Count));
        nodes[1].Node.TryReadIndex(42);
        Ready ready = nodes[1].Node.TakeReady();

        Assert.Equal([new ReadState(42, 4)], ready.Reads);
        Assert.Equal(4UL, Assert.Single(ready.Committed).Id.Index);
    }

    [Fact]
    public void Batches_are_cut_at_their_bytes_and_one_entry_may_exceed_them()
    {
        var nodes = new Nodes(1, Nodes.Settings with { BatchBytesMax = 1_000 });
        nodes.Elect(1);
        nodes[1].IsDiskSlow = true;
        foreach (int bytes in (int[])[400, 400, 400, 5_000, 1])
        {
            nodes[1].Propose(1, bytes);
        }

        List<int> batches = [];
        for (nodes.Turn(); nodes[1].Writing is { } batch; nodes.Turn())
        {
            batches.Add(batch.Entries.Count);
            nodes[1].FinishWrite();
        }

        Assert.Equal([2, 1, 1, 1], batches);
        Assert.Equal(5, nodes[1].Commands.Count());
    }

    [Fact]
    public void Restart_commits_what_was_durable_in_a_new_term()
    {
        var nodes = new Nodes(1);
        nodes.Elect(1);
        nodes[1].Propose(7);
        nodes.Run();
        nodes[1].Crash();
        nodes[1].Start();

        nodes.Elect(1);

        Assert.Equal(3UL, nodes[1].Node.Term);
        Assert.Equal([7], nodes[1].Commands);
    }

    [Fact]
    public void Restart_after_a_snapshot_applies_only_what_follows_it()
    {
        var nodes = new Nodes(1);
        nodes.Elect(1);
        nodes[1].Propose(7);
        nodes.Run();
        nodes[1].Compact();
        nodes[1].Propose(8);
        nodes.Run();
        nodes[1].Crash();
        nodes[1].Start();
        Assert.Equal([7], nodes[1].Commands);

        nodes.Elect(1);

        Assert.Equal([7, 8], nodes[1].Commands);
        Assert.Equal(3UL, nodes[1].Node.CompactedIndex);
    }

    [Fact]
    public void Second_ready_before_the_first_is_done_is_an_error()
    {
        var nodes = new Nodes(1);
        RaftNode node = nodes[1].Node;
        Ready first = node.TakeReady();

        Assert.Throws<InvariantException>(() => node.TakeReady());
        node.Advance(first);
        Assert.Throws<InvariantException>(() => node.Advance(first));
    }

    [Fact]
    public void Batch_that_is_not_the_one_under_way_is_an_error()
    {
        var nodes = new Nodes(1);
        nodes[1].IsDiskSlow = true;
        nodes[1].Campaign();
        nodes.Turn();
        PersistBatch batch = nodes[1].Writing!;
        nodes[1].FinishWrite();

        Assert.Throws<InvariantException>(() => nodes[1].Node.Persisted(batch));
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(5, 5)]
    public void Settings_that_contradict_themselves_are_refused(int heartbeat, int election)
    {
        var e = Assert.Throws<ArgumentException>(() => new RaftNode(
            Nodes.Settings with { HeartbeatTicks = heartbeat, ElectionTicks = election }, RestoredState.Fresh));

        Assert.Contains($"found {heartbeat} heartbeat ticks and {election} election ticks", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(5, 3)]
    public void State_that_does_not_fit_its_log_is_refused(ulong term, ulong commit)
    {
        RestoredState restored = Nodes.Remembers(new Membership([Nodes.Id(1)]), 5) with { HardState = new HardState(term, null, commit) };

        Assert.Throws<ArgumentException>(() => new RaftNode(Nodes.Settings with { Id = Nodes.Id(1) }, restored));
    }

    [Fact]
    public void Gap_in_the_log_breaks_an_invariant()
    {
        Entry[] entries = [new(new EntryId(1, 1), EntryKind.NoOp, default), new(new EntryId(1, 3), EntryKind.NoOp, default)];

        Assert.Throws<InvariantException>(() => new RaftNode(
            Nodes.Settings with { Id = Nodes.Id(1) }, new RestoredState(new HardState(1, null, 0), default, Membership.None, entries)));
    }
}
