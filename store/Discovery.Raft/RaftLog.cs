namespace Discovery.Raft;

/// <summary>
/// The entries after the last compaction, in memory: at most what is between two snapshots and the entries kept for
/// followers that lag. How far they are given to the disk, durable, committed and applied is counted here, and so is who
/// the members were from which entry on.
/// </summary>
internal sealed class RaftLog
{
    private readonly List<Entry> _entries = [];
    private readonly List<(ulong Index, Membership Membership)> _memberships = [];
    private EntryId _before;
    private ulong _persisting;

    public RaftLog(EntryId snapshot, Membership membership, IReadOnlyList<Entry> entries)
    {
        _before = snapshot;
        _memberships.Add((snapshot.Index, membership));
        foreach (Entry entry in entries)
        {
            Append(entry);
        }

        Taken = LastIndex;
        Persisted = LastIndex;
        Committed = snapshot.Index;
        Applied = snapshot.Index;
    }

    /// <summary>The entry before the first one held.</summary>
    public EntryId Before => _before;

    /// <summary>The last entry, durable or not.</summary>
    public EntryId Last => _entries.Count == 0 ? _before : _entries[^1].Id;

    public ulong LastIndex => _before.Index + (ulong)_entries.Count;

    /// <summary>Index up to which entries were given to the disk; back when they are replaced.</summary>
    public ulong Taken { get; private set; }

    /// <summary>Index of the last entry that the caller said is durable; back when it is replaced.</summary>
    public ulong Persisted { get; private set; }

    public ulong Committed { get; private set; }

    public ulong Applied { get; private set; }

    /// <summary>Bytes of the payloads in memory.</summary>
    public long PayloadBytes { get; private set; }

    /// <summary>Who the members are by the last entry that says so, committed or not (Raft §6).</summary>
    public Membership Membership => _memberships[^1].Membership;

    /// <summary>Where that entry stands.</summary>
    public ulong MembershipIndex => _memberships[^1].Index;

    /// <summary>Whether the node is a voter by the last committed entry that says so, or by one after it.</summary>
    public bool MayBeVoter(NodeId id)
    {
        for (int i = _memberships.Count - 1; i >= 0; i--)
        {
            (ulong index, Membership membership) = _memberships[i];
            if (membership.IsVoter(id))
            {
                return true;
            }

            if (index <= Committed)
            {
                break;
            }
        }

        return false;
    }

    public void Append(in Entry entry)
    {
        Invariant.Holds(entry.Id.Index == LastIndex + 1);
        Invariant.Holds(entry.Id.Term >= Last.Term);
        _entries.Add(entry);
        PayloadBytes += entry.Payload.Length;
        if (entry.Kind == EntryKind.Membership)
        {
            _memberships.Add((entry.Id.Index, Membership.Decode(entry.Payload)));
        }
    }

    /// <summary>
    /// Takes a leader's entries over, behind one that matches. What contradicts them goes, with everything after it
    /// (Raft §5.3); what is there already stays, since an old message must not cut off newer entries.
    /// </summary>
    public void TakeOver(ReadOnlySpan<Entry> entries)
    {
        foreach (ref readonly Entry entry in entries)
        {
            ulong index = entry.Id.Index;
            if (index <= _before.Index)
            {
                continue;
            }

            if (index <= LastIndex)
            {
                if (TermAt(index) == entry.Id.Term)
                {
                    continue;
                }
#if MUTANTS
                if (RaftMutant.KeepConflictingEntries.IsPlanted())
                {
                    continue;
                }
#endif

                Truncate(index);
            }

            Append(entry);
        }
    }

    /// <summary>Forgets everything: the state that stands at the entry takes its place.</summary>
    public void Reset(EntryId snapshot, Membership membership)
    {
        Invariant.Holds(snapshot.Index > Committed);
        _entries.Clear();
        PayloadBytes = 0;
        _before = snapshot;
#if MUTANTS
        membership = RaftMutant.RestoreWithoutMembers.IsPlanted() ? Membership : membership;
#endif
        _memberships.Clear();
        _memberships.Add((snapshot.Index, membership));

        // The state is on disk already; entries of the batch under way are no longer ours.
        (Taken, Persisted, _persisting) = (snapshot.Index, snapshot.Index, 0);
        (Committed, Applied) = (snapshot.Index, snapshot.Index);
    }

    /// <summary>Whether this log holds the entry, so that both agree up to it (Raft §5.3).</summary>
    public bool Holds(EntryId id) =>
        id.Index >= _before.Index && id.Index <= LastIndex && TermAt(id.Index) == id.Term;

    /// <summary>
    /// The greatest index up to the given one, and not below what is surely shared, whose term is at most the given one:
    /// where two logs may agree, skipping a whole term at once (Raft §5.3).
    /// </summary>
    public EntryId LastAtMost(ulong index, ulong term, ulong shared)
    {
        ulong at = Math.Min(index, LastIndex);
        while (at > shared && at > _before.Index && TermAt(at) > term)
        {
            at--;
        }

        at = Math.Max(at, _before.Index);
        return new EntryId(TermAt(at), at);
    }

    /// <summary>Entries from the index on, as many as the bytes allow but at least one, up to the last index.</summary>
    public Entry[] Slice(ulong from, ulong last, long bytesMax)
    {
        if (from > last)
        {
            return [];
        }

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

    /// <summary>Bytes of the payloads after one index up to another, of entries of the term.</summary>
    public long PayloadBytesOf(ulong term, ulong after, ulong last)
    {
        long bytes = 0;
        for (int i = PositionOf(after + 1), stop = PositionOf(last); i <= stop; i++)
        {
            bytes += _entries[i].Id.Term == term ? _entries[i].Payload.Length : 0;
        }

        return bytes;
    }

    /// <summary>What the disk is to write next. One batch at a time.</summary>
    public Entry[] TakeForDisk(long bytesMax)
    {
        Entry[] batch = Slice(Taken + 1, LastIndex, bytesMax);
        Taken += (ulong)batch.Length;
        _persisting = batch.Length == 0 ? 0 : Taken;
        return batch;
    }

    /// <summary>The batch is durable: those of its entries that were not replaced meanwhile count.</summary>
    public void BatchIsDurable()
    {
        Persisted = Math.Max(Persisted, _persisting);
        _persisting = 0;
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
    /// Forgets the oldest applied entries beyond the bounds, but none after the floor unless there are more bytes than that
    /// is worth. Not a few at a time: the whole list is moved then.
    /// </summary>
    public void Compact(int keepEntries, long keepBytes, ulong floor, long floorBytes)
    {
        ulong applied = Math.Min(Applied, Persisted);
        int drop = 0;
        long bytes = PayloadBytes;
        while (_before.Index + (ulong)drop < applied
            && (_entries.Count - drop > keepEntries || bytes > keepBytes)
            && (_before.Index + (ulong)drop < floor || bytes > floorBytes))
        {
            bytes -= _entries[drop++].Payload.Length;
        }

        if (drop > 0 && (drop >= _entries.Count / 8 || drop > keepEntries))
        {
            PayloadBytes = bytes;
            _before = _entries[drop - 1].Id;
            _entries.RemoveRange(0, drop);
            ForgetOldMemberships();
        }
    }

    private void Truncate(ulong from)
    {
        // Committed entries are on a majority: no leader that lacks one can be elected (Raft §5.4.3).
        Invariant.Holds(from > Committed);
        int position = PositionOf(from);
        for (int i = position; i < _entries.Count; i++)
        {
            PayloadBytes -= _entries[i].Payload.Length;
        }

        _entries.RemoveRange(position, _entries.Count - position);
#if MUTANTS
        while (MembershipIndex >= from && !RaftMutant.MembershipNotRolledBack.IsPlanted())
#else
        while (MembershipIndex >= from)
#endif
        {
            _memberships.RemoveAt(_memberships.Count - 1);
        }

        Taken = Math.Min(Taken, from - 1);
        Persisted = Math.Min(Persisted, from - 1);
        _persisting = Math.Min(_persisting, from - 1);
    }

    private void ForgetOldMemberships()
    {
        while (_memberships.Count > 1 && _memberships[1].Index <= _before.Index)
        {
            _memberships.RemoveAt(0);
        }
    }

    private int PositionOf(ulong index) => (int)(index - _before.Index - 1);
}
