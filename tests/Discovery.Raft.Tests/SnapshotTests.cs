namespace Discovery.Raft.Tests;

/// <summary>A follower that needs entries which are gone gets the state instead (Raft §7).</summary>
public sealed class SnapshotTests
{
    [Fact]
    public void Follower_that_lags_too_far_gets_the_state_and_then_entries()
    {
        Nodes nodes = Lagging();

        nodes.Heal();
        nodes.Tick(2);
        nodes[1].Propose(99);
        nodes.Run();

        Assert.Equal(nodes[1].Commands, nodes[3].Commands);
        Assert.Single(nodes.Sent, static message => message.Kind == MessageKind.InstallSnapshot);
        Assert.Equal(new EntryId(2, 12), nodes[3].Disk.Snapshot.At);
        Assert.Equal(12UL, nodes[3].Node.CompactedIndex);
    }

    [Fact]
    public void New_member_gets_the_state_and_the_members_with_it()
    {
        Nodes nodes = Lagging();
        nodes.Add(4);

        nodes[1].Change([1, 2, 3], 4);
        nodes.Tick(3);

        Assert.Equal(nodes[1].Applied.Select(static entry => entry.Id), nodes[4].Applied.Select(static entry => entry.Id));
        Assert.Equal(nodes[1].Node.Membership, nodes[4].Node.Membership);
    }

    [Fact]
    public void Offer_is_repeated_after_an_election_timeout_but_not_while_the_state_is_being_fetched()
    {
        Nodes nodes = Lagging();
        nodes.FetchesSnapshots = false;
        nodes.Heal();
        nodes.Tick(9);
        Assert.Equal(1, Offers(nodes));

        for (int i = 0; i < 50; i++)
        {
            nodes[1].Node.ReportSnapshot(Nodes.Id(3));
            nodes.Tick();
        }

        Assert.Equal(1, Offers(nodes));
        nodes.Tick(10);
        Assert.Equal(2, Offers(nodes));
        Assert.True(nodes[1].Follower(3).NeedsSnapshot);
    }

    [Fact]
    public void Follower_that_cannot_be_heard_is_offered_nothing()
    {
        Nodes nodes = Lagging();
        nodes.CutOneWay(3, 1);

        nodes.Tick(50);

        Assert.Equal(0, Offers(nodes));
    }

    [Fact]
    public void Lost_acknowledgement_of_a_state_is_given_again_to_the_next_offer()
    {
        Nodes nodes = Lagging();
        nodes.Heal();
        nodes.Loses = static message => message.From == Nodes.Id(3) && message.Log.Index == 12;
        nodes.Tick(3);
        Assert.Equal((12UL, true), (nodes[3].Commit, nodes[1].Follower(3).NeedsSnapshot));

        nodes.Loses = null;
        nodes.Tick(15);

        Assert.False(nodes[1].Follower(3).NeedsSnapshot);
        Assert.Equal(1, nodes.Sent.Count(static message => message.From == Nodes.Id(3) && message.Log == new EntryId(2, 12)) - 1);
    }

    [Fact]
    public void State_that_the_log_has_gone_past_is_not_installed()
    {
        Nodes nodes = Elected();
        nodes[1].Propose(1);
        nodes.Run();
        nodes[1].Compact();
        Snapshot old = nodes[1].TakeSnapshot();
        nodes[1].Propose(2);
        nodes.Run();

        Assert.False(nodes[3].Install(old));

        Assert.Equal([1, 2], nodes[3].Commands);
        Assert.Equal((4UL, 0UL), (nodes[3].Commit, nodes[3].Node.CompactedIndex));
    }

    /// <summary>What stands behind the state's entry in the log may be acknowledged already; it must stay.</summary>
    [Fact]
    public void State_at_an_entry_of_the_log_only_commits_it()
    {
        Nodes nodes = Elected();
        nodes.Loses = static message => message.To == Nodes.Id(3) && (message.Entries.IsEmpty || message.Entries.Length > 1);
        nodes[1].Propose(1);
        nodes.Run();
        Snapshot state = nodes[1].TakeSnapshot();
        nodes.Loses = static message => message.To == Nodes.Id(3) && message.Index > 2;
        nodes[3].Receive(Append(nodes, new EntryId(2, 3), 2));
        nodes[3].Turn();
        Assert.Equal((2UL, 4UL), (nodes[3].Commit, nodes[3].Node.Status.Last.Index));

        Assert.False(nodes[3].Install(state));

        Assert.Equal((3UL, 4UL), (nodes[3].Commit, nodes[3].Node.Status.Last.Index));
    }

    [Fact]
    public void Offer_of_a_state_that_the_log_leads_to_is_answered_without_fetching_it()
    {
        Nodes nodes = Elected();
        nodes.FetchesSnapshots = false;
        nodes.Loses = static message => message.From == Nodes.Id(3) || (message.To == Nodes.Id(3) && message.Entries.IsEmpty);
        nodes[1].Propose(7);
        nodes.Run();
        nodes[1].Compact();
        nodes.Loses = null;
        Assert.Equal((3UL, 2UL), (nodes[1].Commit, nodes[3].Commit));

        nodes[1].Node.ReportUnreachable(Nodes.Id(3));
        nodes.Run();

        Assert.Equal(1, Offers(nodes));
        Assert.Equal([7], nodes[3].Commands);
        Assert.False(nodes[1].Follower(3).NeedsSnapshot);
    }

    [Fact]
    public void State_replaces_a_log_that_contradicts_it_also_while_that_is_being_written()
    {
        Nodes nodes = Elected();
        nodes.Isolate(3);
        nodes[3].IsDiskSlow = true;
        nodes[3].Receive(Append(nodes, new EntryId(2, 2), 2, 2, 2, 2, 2, 2));
        nodes[3].Turn();
        nodes[1].Crash();
        nodes.TickUntil(() => nodes[2].Role != RaftRole.Follower);
        Snapshot state = StateOfTerm3(at: 5);

        Assert.True(nodes[3].Install(state));
        nodes[3].Turn();
        nodes[3].FinishWrite();
        nodes[3].Turn();

        Assert.Equal((new EntryId(3, 5), 5UL, 5UL), (nodes[3].Node.Status.Last, nodes[3].Node.Status.Persisted, nodes[3].Commit));
        Assert.Equal(state.At, nodes[3].Writing!.Snapshot);
        nodes[3].FinishWrite();
        Assert.Empty(nodes[3].Disk.Log);
    }

    [Fact]
    public void Leader_needs_no_state_of_another()
    {
        Nodes nodes = Elected();

        Assert.False(nodes[1].Install(StateOfTerm3(at: 50)));

        Assert.Equal(2UL, nodes[1].Node.Status.Last.Index);
    }

    /// <summary>Snapshots are written beside the log, and may be faster.</summary>
    [Fact]
    public void State_that_got_to_disk_before_its_term_did_is_a_start()
    {
        var voted = new HardState(2, Nodes.Id(3), 1);
        var node = new RaftNode(
            Nodes.Settings with { Id = Nodes.Id(1) },
            new RestoredState(voted, new EntryId(5, 10), new Membership([Nodes.Id(1), Nodes.Id(2)]), []));

        Assert.Equal(new HardState(5, null, 10), node.Status.HardState);
        Assert.Equal(new HardState(5, null, 10), node.TakeReady().Persist!.HardState);
    }

    [Fact]
    public void Compaction_keeps_what_is_asked_for_what_is_not_applied_and_what_follows_the_floor()
    {
        Nodes nodes = Elected();
        for (byte i = 0; i < 100; i++)
        {
            nodes[1].Propose(i, bytes: 10);
        }

        nodes[1].Node.Compact(0, 0);
        Assert.Equal(2UL, nodes[1].Node.CompactedIndex);

        nodes.Run();
        nodes[1].Node.Compact(int.MaxValue, long.MaxValue);
        Assert.Equal(2UL, nodes[1].Node.CompactedIndex);
        nodes[1].Node.Compact(0, 0, floor: 20);
        Assert.Equal(20UL, nodes[1].Node.CompactedIndex);
        nodes[1].Node.Compact(60, long.MaxValue);
        Assert.Equal(42UL, nodes[1].Node.CompactedIndex);
        nodes[1].Node.Compact(int.MaxValue, 100);
        Assert.Equal(92UL, nodes[1].Node.CompactedIndex);
        nodes[1].Node.Compact(0, 0);
        Assert.Equal(102UL, nodes[1].Node.CompactedIndex);
    }

    [Fact]
    public void Compaction_goes_beyond_the_floor_where_too_many_bytes_would_stay()
    {
        Nodes nodes = Elected();
        for (byte i = 0; i < 100; i++)
        {
            nodes[1].Propose(i, bytes: 10);
        }

        nodes.Run();
        nodes[1].Node.Compact(10, long.MaxValue, floor: 20, floorBytes: 500);

        Assert.Equal(52UL, nodes[1].Node.CompactedIndex);
    }

    [Fact]
    public void Leader_knows_what_followers_lack_that_it_hears_of()
    {
        Nodes nodes = Elected();
        ulong both = nodes[1].Node.LaggingIndex;
        nodes.Cut(1, 3);
        nodes[1].Propose(1);
        nodes.Run();
        Assert.Equal(both, nodes[1].Node.LaggingIndex);

        nodes.Tick(3 * Nodes.Settings.ElectionTicks);
        Assert.Equal(both + 1, nodes[1].Node.LaggingIndex);
        Assert.Equal(ulong.MaxValue, nodes[2].Node.LaggingIndex);
    }

    /// <summary>The leader's own disk may be the last to have an entry that is committed and applied.</summary>
    [Fact]
    public void Compaction_keeps_what_is_not_durable()
    {
        Nodes nodes = Elected();
        nodes[1].IsDiskSlow = true;
        nodes[1].Propose(1);
        nodes.Run();
        Assert.Single(nodes[1].Commands);

        nodes[1].Node.Compact(0, 0);

        Assert.Equal(2UL, nodes[1].Node.CompactedIndex);
    }

    private static int Offers(Nodes nodes) => nodes.Sent.Count(static message => message.Kind == MessageKind.InstallSnapshot);

    private static Nodes Elected()
    {
        var nodes = new Nodes(3);
        nodes.Elect(1);
        return nodes;
    }

    /// <summary>Member 3 is cut off and lacks ten entries that are gone from the leader's log.</summary>
    private static Nodes Lagging()
    {
        Nodes nodes = Elected();
        nodes.Isolate(3);
        for (byte i = 0; i < 10; i++)
        {
            nodes[1].Propose(i);
            nodes.Run();
        }

        nodes[1].Compact();
        return nodes;
    }

    private static Snapshot StateOfTerm3(ulong at) => new(
        new EntryId(3, at),
        new Membership([Nodes.Id(1), Nodes.Id(2), Nodes.Id(3)]),
        [.. Enumerable.Range(1, (int)at).Select(static index => new Entry(new EntryId(3, (ulong)index), EntryKind.NoOp, default))]);

    private static Message Append(Nodes nodes, EntryId before, params ulong[] terms) =>
        new(MessageKind.Append, Nodes.Id(1), Nodes.Id(3), nodes[1].Node.Term)
        {
            Log = before,
            Index = 2,
            Entries = terms.Select((term, i) => new Entry(
                new EntryId(term, before.Index + 1 + (ulong)i), EntryKind.Command, new[] { (byte)i })).ToArray(),
        };
}
