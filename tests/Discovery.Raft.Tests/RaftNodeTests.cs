namespace Discovery.Raft.Tests;

/// <summary>One member alone: what it may say, and when. The caller's part (disk, state machine) is played by hand.</summary>
public sealed class RaftNodeTests
{
    private static readonly NodeId Self = new(7);

    [Fact]
    public void Campaign_persists_the_own_vote_before_the_node_leads()
    {
        RaftNode node = NewNode();

        node.Campaign();
        Ready vote = node.TakeReady();

        Assert.Equal(new HardState(1, Self, 0), vote.HardState);
        Assert.True(vote.MustSync);
        Assert.Equal(RaftRole.Candidate, node.Status.Role);

        node.Advance(vote);
        Assert.Equal(RaftRole.Leader, node.Status.Role);
        Assert.Equal(Self, node.Status.Leader);
    }

    [Fact]
    public void Leader_starts_its_term_with_an_entry_without_a_command()
    {
        RaftNode node = NewNode();

        node.Campaign();
        node.Advance(node.TakeReady());
        Ready first = node.TakeReady();

        Entry entry = Assert.Single(first.Entries);
        Assert.Equal((EntryKind.NoOp, new EntryId(1, 1)), (entry.Kind, entry.Id));
    }

    [Fact]
    public void Silence_makes_a_follower_stand_for_election_after_the_election_timeout()
    {
        RaftNode node = NewNode();

        for (int tick = 1; tick < 10; tick++)
        {
            node.Tick();
            Assert.False(node.HasReady);
        }

        node.Tick();
        Assert.Equal(RaftRole.Candidate, node.Status.Role);
    }

    [Fact]
    public void Entry_is_committed_only_after_the_caller_said_that_it_is_durable()
    {
        RaftNode node = NewLeader();
        Assert.True(node.TryPropose(new byte[] { 1 }, out EntryId id));

        Ready persist = node.TakeReady();
        Assert.Equal(id, Assert.Single(persist.Entries).Id);
        Assert.Empty(persist.Committed);
        Assert.Equal(1UL, node.Status.HardState.Commit);

        node.Advance(persist);
        Ready apply = node.TakeReady();
        Assert.Equal(id, Assert.Single(apply.Committed).Id);
        Assert.False(apply.MustSync);
    }

    [Fact]
    public void Proposals_of_one_turn_come_out_as_one_batch_in_order()
    {
        RaftNode node = NewLeader();

        for (byte i = 0; i < 100; i++)
        {
            Assert.True(node.TryPropose(new[] { i }, out _));
        }

        Ready ready = node.TakeReady();
        Assert.Equal(Enumerable.Range(0, 100), ready.Entries.Select(entry => (int)entry.Payload.Span[0]));
    }

    [Fact]
    public void Batch_is_cut_at_its_bytes_and_the_rest_follows()
    {
        RaftNode node = NewLeader(new RaftSettings { Id = Self, Voters = [Self], BatchBytesMax = 1000 });
        for (int i = 0; i < 5; i++)
        {
            Assert.True(node.TryPropose(new byte[400], out _));
        }

        List<int> batches = [];
        while (node.HasReady)
        {
            Ready ready = node.TakeReady();
            batches.Add(ready.Entries.Count);
            node.Advance(ready);
        }

        Assert.Equal([2, 2, 1], batches.Where(count => count > 0));
        Assert.Equal(6UL, node.Status.Applied);
    }

    [Fact]
    public void Entry_above_the_batch_bytes_goes_alone()
    {
        RaftNode node = NewLeader(new RaftSettings { Id = Self, Voters = [Self], BatchBytesMax = 10 });

        Assert.True(node.TryPropose(new byte[4000], out EntryId id));

        Assert.Equal(id, Assert.Single(node.TakeReady().Entries).Id);
    }

    [Fact]
    public void Follower_refuses_proposals_and_reads()
    {
        RaftNode node = NewNode();

        Assert.False(node.TryPropose(new byte[] { 1 }, out _));
        Assert.False(node.TryReadIndex(1));
        Assert.False(node.HasReady);
    }

    [Fact]
    public void Leader_refuses_what_would_wait_beyond_the_uncommitted_bytes()
    {
        RaftNode node = NewLeader(new RaftSettings { Id = Self, Voters = [Self], UncommittedBytesMax = 100 });

        Assert.True(node.TryPropose(new byte[100], out _));
        Assert.False(node.TryPropose(new byte[1], out _));

        RunToRest(node);
        Assert.True(node.TryPropose(new byte[100], out _));
    }

    /// <summary>Raft §8: a leader does not know what is committed before its own first entry is.</summary>
    [Fact]
    public void Read_waits_for_the_first_entry_of_the_term()
    {
        RaftNode node = NewNode();
        node.Campaign();
        node.Advance(node.TakeReady());

        Assert.True(node.TryReadIndex(42));
        Ready persist = node.TakeReady();
        Assert.Empty(persist.Reads);
        node.Advance(persist);

        Ready apply = node.TakeReady();
        Assert.Equal(new ReadState(42, 1), Assert.Single(apply.Reads));
        Assert.Equal(EntryKind.NoOp, Assert.Single(apply.Committed).Kind);
    }

    [Fact]
    public void Read_comes_with_or_after_the_entries_that_it_must_see()
    {
        RaftNode node = NewLeader(new RaftSettings { Id = Self, Voters = [Self], BatchBytesMax = 10 });
        node.TryPropose(new byte[10], out _);
        node.TryPropose(new byte[10], out EntryId second);
        node.Advance(node.TakeReady());
        node.Advance(node.TakeReady());
        Assert.Equal(second.Index, node.Status.HardState.Commit);
        Assert.True(node.TryReadIndex(1));

        ulong applied = node.Status.Applied;
        while (node.HasReady)
        {
            Ready ready = node.TakeReady();
            applied = ready.Committed.Count == 0 ? applied : ready.Committed[^1].Id.Index;
            Assert.All(ready.Reads, read => Assert.True(read.Index <= applied));
            node.Advance(ready);
        }

        Assert.Equal(second.Index, applied);
    }

    [Fact]
    public void Restart_commits_what_was_durable_in_a_new_term()
    {
        Entry[] entries =
        [
            new(new EntryId(1, 1), EntryKind.NoOp, default),
            new(new EntryId(1, 2), EntryKind.Command, new byte[] { 9 }),
        ];
        var node = new RaftNode(
            new RaftSettings { Id = Self, Voters = [Self] },
            new RestoredState(new HardState(1, Self, 0), default, entries));
        Assert.False(node.HasReady);

        node.Campaign();
        List<Entry> applied = RunToRest(node);

        Assert.Equal([new EntryId(1, 1), new EntryId(1, 2), new EntryId(2, 3)], applied.Select(entry => entry.Id));
        Assert.Equal(2UL, node.Status.HardState.Term);
    }

    [Fact]
    public void Restart_after_a_snapshot_applies_only_what_follows_it()
    {
        var node = new RaftNode(
            new RaftSettings { Id = Self, Voters = [Self] },
            new RestoredState(
                new HardState(3, Self, 5),
                new EntryId(2, 10),
                [new Entry(new EntryId(3, 11), EntryKind.Command, new byte[] { 1 })]));

        node.Campaign();

        Assert.Equal([11UL, 12UL], RunToRest(node).Select(entry => entry.Id.Index));
    }

    [Fact]
    public void Stranger_is_not_heard_whatever_its_term()
    {
        RaftNode node = NewLeader();

        node.Step(new Message(MessageKind.VoteRequest, new NodeId(99), Self, Term: 1000));

        Assert.Equal((RaftRole.Leader, 1UL), (node.Status.Role, node.Status.HardState.Term));
        Assert.False(node.HasReady);
    }

    [Fact]
    public void Second_ready_before_the_first_is_done_is_an_error()
    {
        RaftNode node = NewLeader();
        node.TryPropose(new byte[1], out _);
        Ready first = node.TakeReady();

        Assert.Throws<InvariantException>(() => node.TakeReady());

        node.Advance(first);
        Assert.Throws<InvariantException>(() => node.Advance(first));
    }

    [Fact]
    public void Compaction_keeps_the_bounds_and_the_log_goes_on()
    {
        RaftNode node = NewLeader();
        for (int i = 0; i < 100; i++)
        {
            node.TryPropose(new byte[10], out _);
        }

        RunToRest(node);
        node.Compact(keepEntries: 10, keepBytes: long.MaxValue);
        node.Compact(keepEntries: 0, keepBytes: 0);

        Assert.True(node.TryPropose(new byte[1], out EntryId next));
        Assert.Equal(102UL, next.Index);
        Assert.Equal(102UL, Assert.Single(RunToRest(node)).Id.Index);
    }

    [Fact]
    public void Entries_that_are_not_applied_survive_compaction()
    {
        RaftNode node = NewLeader();
        node.TryPropose(new byte[10], out EntryId id);

        node.Compact(keepEntries: 0, keepBytes: 0);

        Assert.Equal(id, Assert.Single(RunToRest(node)).Id);
    }

    [Theory]
    [InlineData(1UL, 2UL)]
    [InlineData(9UL, 0UL)]
    public void Settings_other_than_one_voter_are_refused(ulong first, ulong second)
    {
        NodeId[] voters = second == 0 ? [new NodeId(first)] : [new NodeId(first), new NodeId(second)];

        var e = Assert.Throws<ArgumentException>(() =>
            new RaftNode(new RaftSettings { Id = Self, Voters = [.. voters] }, RestoredState.Fresh));

        Assert.Contains("this version runs one", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void State_that_does_not_fit_its_log_is_refused()
    {
        Entry[] entries = [new(new EntryId(5, 1), EntryKind.NoOp, default)];

        Assert.Throws<ArgumentException>(() => new RaftNode(
            new RaftSettings { Id = Self, Voters = [Self] }, new RestoredState(new HardState(4, null, 0), default, entries)));
        Assert.Throws<ArgumentException>(() => new RaftNode(
            new RaftSettings { Id = Self, Voters = [Self] }, new RestoredState(new HardState(5, null, 2), default, entries)));
    }

    [Fact]
    public void Gap_in_the_log_breaks_an_invariant()
    {
        Entry[] entries = [new(new EntryId(1, 1), EntryKind.NoOp, default), new(new EntryId(1, 3), EntryKind.NoOp, default)];

        Assert.Throws<InvariantException>(() => new RaftNode(
            new RaftSettings { Id = Self, Voters = [Self] }, new RestoredState(new HardState(1, null, 0), default, entries)));
    }

    [Fact]
    public void Newer_term_wins_over_a_longer_log()
    {
        Assert.True(new EntryId(2, 1) > new EntryId(1, 100));
        Assert.True(new EntryId(2, 2) >= new EntryId(2, 2));
        Assert.True(new EntryId(2, 2) < new EntryId(2, 3));
    }

    private static RaftNode NewNode() => new(new RaftSettings { Id = Self, Voters = [Self] }, RestoredState.Fresh);

    private static RaftNode NewLeader(RaftSettings? settings = null)
    {
        var node = new RaftNode(settings ?? new RaftSettings { Id = Self, Voters = [Self] }, RestoredState.Fresh);
        node.Campaign();
        RunToRest(node);
        return node;
    }

    private static List<Entry> RunToRest(RaftNode node)
    {
        List<Entry> applied = [];
        while (node.HasReady)
        {
            Ready ready = node.TakeReady();
            applied.AddRange(ready.Committed);
            node.Advance(ready);
        }

        return applied;
    }
}
