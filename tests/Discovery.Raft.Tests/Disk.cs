namespace Discovery.Raft.Tests;

/// <summary>
/// What of a member survives a crash: the log as it was written, and one snapshot. Reads them back as a store has to: what
/// was written over is gone, and what stands behind a snapshot counts only when the log holds the snapshot's entry.
/// </summary>
internal sealed class Disk(RestoredState initial)
{
    private readonly List<Entry> _log = [.. initial.Entries];
    private readonly HashSet<EntryId> _everHeld = [.. initial.Entries.Select(static entry => entry.Id)];

    public HardState State { get; private set; } = initial.HardState;

    public Snapshot Snapshot { get; private set; } = new(initial.Snapshot, initial.Membership, []);

    public IReadOnlyList<Entry> Log => _log;

    private ulong LastIndex => _log.Count == 0 ? Snapshot.At.Index : _log[^1].Id.Index;

    public void Write(PersistBatch batch)
    {
        Assert.True(batch.HardState.Term >= State.Term, "the term goes back");
        Assert.True(batch.HardState.Commit >= State.Commit || State.IsRecovering, "the commit index goes back");
        State = batch.HardState;
        if (batch.Snapshot is not null)
        {
            _log.Clear();
        }

        if (batch.Entries.Count > 0)
        {
            ulong first = batch.Entries[0].Id.Index;
            Assert.True(first <= LastIndex + 1, $"entry {first} is written after {LastIndex}: a gap");
            _log.RemoveAll(entry => entry.Id.Index >= first);
            _log.AddRange(batch.Entries);
            _everHeld.UnionWith(batch.Entries.Select(static entry => entry.Id));
        }
    }

    public void Save(Snapshot snapshot)
    {
        if (snapshot.At.Index > Snapshot.At.Index)
        {
            Snapshot = snapshot;
        }
    }

    /// <summary>Loses the end of the log, and knows that it did.</summary>
    public void Damage(int entries)
    {
        _log.RemoveRange(Math.Max(0, _log.Count - entries), Math.Min(entries, _log.Count));
        State = State with { IsRecovering = true };
    }

    /// <summary>Whether the entry was ever durable here, be it in the log or in a state.</summary>
    public bool HasHeld(EntryId id) => _everHeld.Contains(id) || id.Index <= Snapshot.At.Index;

    public RestoredState Restore()
    {
        EntryId at = Snapshot.At;
        if (_log.Any(entry => entry.Id.Index == at.Index && entry.Id.Term != at.Term))
        {
            // A state was fetched in place of this log, and the crash came before the log heard of it.
            _log.Clear();
        }

        _log.RemoveAll(entry => entry.Id.Index <= at.Index);
        return new RestoredState(State, at, Snapshot.Membership, [.. _log]);
    }
}

/// <summary>A state machine's state: what it applied, from the first entry on, and who the members were then.</summary>
internal sealed record Snapshot(EntryId At, Membership Membership, IReadOnlyList<Entry> State);
