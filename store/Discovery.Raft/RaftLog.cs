namespace Discovery.Raft;

/// <summary>
/// The entries after the last compaction, in memory: at most what is between two snapshots and the entries kept for
/// followers that lag. How far they are durable, committed and applied is counted here and only goes forward.
/// </summary>
internal sealed class RaftLog
{
    private readonly List<Entry> _entries = [];
    private EntryId _before;

    public RaftLog(EntryId snapshot, IReadOnlyList<Entry> entries)
    {
        _before = snapshot;
        foreach (Entry entry in entries)
        {
            Append(entry);
        }

        Persisted = LastIndex;
        Committed = snapshot.Index;
        Applied = snapshot.Index;
    }

    /// <summary>The last entry, durable or not.</summary>
    public EntryId Last => _entries.Count == 0 ? _before : _entries[^1].Id;

    public ulong LastIndex => _before.Index + (ulong)_entries.Count;

    /// <summary>Index of the last entry that the caller said is durable.</summary>
    public ulong Persisted { get; private set; }

    /// <summary>Bytes of the payloads in memory.</summary>
    public long PayloadBytes { get; private set; }

    public ulong Committed { get; private set; }

    public ulong Applied { get; private set; }

    public void Append(in Entry entry)
    {
        Invariant.Holds(entry.Id.Index == LastIndex + 1);
        Invariant.Holds(entry.Id.Term >= Last.Term);
        _entries.Add(entry);
        PayloadBytes += entry.Payload.Length;
    }

    /// <summary>Entries from the index on, as many as the bytes allow but at least one, up to the last index.</summary>
    public Entry[] Slice(ulong from, ulong last, long bytesMax)
    {
        Invariant.Holds(from > _before.Index && last <= LastIndex);
        int start = PositionOf(from);
        int end = start;
        long bytes = 0;
        for (int stop = PositionOf(last); end <= stop; end++)
        {
            bytes += _entries[end].Payload.Length;
            if (bytes > bytesMax && end > start)
            {
                break;
            }
        }

        var slice = new Entry[end - start];
        _entries.CopyTo(start, slice, 0, slice.Length);
        return slice;
    }

    public ulong TermAt(ulong index)
    {
        Invariant.Holds(index >= _before.Index && index <= LastIndex);
        return index == _before.Index ? _before.Term : _entries[PositionOf(index)].Id.Term;
    }

    public void PersistedTo(ulong index)
    {
        Invariant.Holds(index >= Persisted && index <= LastIndex);
        Persisted = index;
    }

    public void CommitTo(ulong index)
    {
        Invariant.Holds(index >= Committed && index <= LastIndex);
        Committed = index;
    }

    public void AppliedTo(ulong index)
    {
        Invariant.Holds(index >= Applied && index <= Committed);
        Applied = index;
    }

    /// <summary>
    /// Forgets the oldest applied entries beyond the bounds. A quarter of slack, so that the list is not moved each time.
    /// </summary>
    public void Compact(int keepEntries, long keepBytes)
    {
        if (_entries.Count <= keepEntries + (keepEntries / 4) && PayloadBytes <= keepBytes + (keepBytes / 4))
        {
            return;
        }

        int drop = 0;
        int applied = (int)(Applied - _before.Index);
        while (drop < applied && (_entries.Count - drop > keepEntries || PayloadBytes > keepBytes))
        {
            PayloadBytes -= _entries[drop++].Payload.Length;
        }

        if (drop > 0)
        {
            _before = _entries[drop - 1].Id;
            _entries.RemoveRange(0, drop);
        }
    }

    private int PositionOf(ulong index) => (int)(index - _before.Index - 1);
}
