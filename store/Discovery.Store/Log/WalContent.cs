using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>
/// What the records of a log add up to, on top of a snapshot. Records come in the order in which they were written; where
/// some cannot be read, <see cref="Break"/> stands in their place.
/// </summary>
internal sealed class WalContent(EntryId snapshot)
{
    private readonly List<Entry> _entries = [];
    private readonly List<FileProblem> _mended = [];
    private FileProblem? _broken;
    private ulong? _termAtSnapshot;
    private ulong _lastIndex;
    private ulong _lastLost;
    private HardState _state;
    private ulong _commit;
    private ReadOnlyMemory<byte> _members;

    /// <summary>
    /// Whether the newest hard state was read. It says a term and a vote at least as new as any before it, so what was
    /// lost before it does not matter for them.
    /// </summary>
    public bool IsStateKnown { get; private set; }

    /// <summary>The snapshot must be marked in the log: the log ends before it, or belongs to another history.</summary>
    public bool NeedsMark { get; private set; }

    /// <summary>What was lost; null when everything that counts is there.</summary>
    public WalDamage? Damage => _broken is null ? null : new WalDamage(_broken, Lost, _members);

    /// <summary>The first place that cannot be read; null when everything that counts is there.</summary>
    public FileProblem? Broken => _broken;

    /// <summary>Places that cannot be read and need not be: the snapshot holds what stood there.</summary>
    public IReadOnlyList<FileProblem> Mended => _mended;

    /// <summary>Before the first record: where the log begins, and whether it is a log's very beginning.</summary>
    public void Begin(ulong baseIndex, bool isFirst)
    {
        _lastIndex = baseIndex - 1;
        IsStateKnown = isFirst;
    }

    /// <summary>Something that was written cannot be read.</summary>
    public void Break(FileProblem problem)
    {
        _broken ??= problem;
        LoseState();
    }

    /// <summary>A batch cannot be read, and with it a hard state.</summary>
    public void LoseState() => IsStateKnown = false;

    public void Take(in HardState state)
    {
        _state = state;
        IsStateKnown = true;
    }

    public void Take(in Entry entry, FileProblem gap)
    {
        ulong index = entry.Id.Index;
        _members = entry.Kind == EntryKind.Membership ? entry.Payload : _members;
        if (_broken is not null)
        {
            _lastLost = Math.Max(_lastLost, index);
            if (index > Math.Max(snapshot.Index, 1))
            {
                return;
            }

            // From here on every entry after the snapshot is read again.
            Mend(index - 1);
        }

        if (index > _lastIndex + 1)
        {
            throw new StoreDataException($"{gap with { Found = $"entry {index}", Wanted = $"{_lastIndex + 1}" }}: entries are missing");
        }

        // A leader may overwrite what was never committed: the later record counts, and nothing stands behind it.
        int kept = (int)(Math.Max(index, snapshot.Index + 1) - snapshot.Index - 1);
        _entries.RemoveRange(kept, _entries.Count - kept);
        _lastIndex = index;
        if (index > snapshot.Index)
        {
            _entries.Add(entry);
        }
        else
        {
            _termAtSnapshot = index == snapshot.Index ? entry.Id.Term : null;
        }
    }

    /// <summary>The log was replaced by the state at an entry.</summary>
    public void TakeMark(EntryId at, FileProblem missing)
    {
        if (at.Index > snapshot.Index)
        {
            _broken ??= missing with { Found = $"the log replaced by the state at entry {at}", Wanted = $"a usable snapshot of it (the newest stands at {snapshot})" };
            return;
        }

        Mend(at.Index);
        _termAtSnapshot = at.Index == snapshot.Index ? at.Term : null;
    }

    /// <summary>After the last record of a whole batch.</summary>
    public void EndBatch()
    {
        // A later commit index may speak of entries that are lost, where those that are left were never committed.
        _commit = _broken is null ? _state.Commit : _commit;
    }

    /// <summary>After the last record: what the member remembers.</summary>
    public RestoredState Finish()
    {
        bool contradicts = _termAtSnapshot is { } term && term != snapshot.Term;
        if (_lastIndex < snapshot.Index || contradicts || (_entries.Count > 0 && _entries[0].Id.Term < snapshot.Term))
        {
            // A crash came between the snapshot's rename and its mark: the snapshot is the newer truth.
            _entries.Clear();
            _lastIndex = snapshot.Index;
            NeedsMark = true;
        }

        // A snapshot of a term is word of that term, and no vote was given in it: that would be in the log.
        HardState state = _state.Term < snapshot.Term ? _state with { Term = snapshot.Term, VotedFor = null } : _state;
        state = state with
        {
            Commit = Math.Max(snapshot.Index, Math.Min(_commit, _lastIndex)),
            IsRecovering = state.IsRecovering || _broken is not null,
        };
        return new RestoredState(state, snapshot, Membership.None, _entries);
    }

    private string Lost => _lastLost > _lastIndex
        ? $"entries {_lastIndex + 1} to at least {_lastLost}"
        : $"what was written after entry {_lastIndex}";

    private void Mend(ulong lastIndex)
    {
        if (_broken is not null)
        {
            _mended.Add(_broken);
            _broken = null;
        }

        _entries.Clear();
        _lastIndex = lastIndex;
        _termAtSnapshot = null;
    }
}
