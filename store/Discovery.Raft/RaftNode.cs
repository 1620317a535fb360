namespace Discovery.Raft;

/// <summary>
/// One member of Raft as a pure state machine: calls go in, a <see cref="Ready"/> comes out. It has no clock (time is
/// counted in ticks), no disk, no network and no thread; the same calls give the same answers for ever. Not safe for
/// use by several threads: one loop owns it.
/// </summary>
/// <remarks>
/// This version runs a cluster of one: the node is elected by its own durable vote and commits what its own disk holds.
/// More voters change what is inside, not these calls.
/// </remarks>
public sealed partial class RaftNode
{
    private readonly RaftSettings _settings;
    private readonly RaftLog _log;
    private readonly List<ReadState> _confirmedReads = [];
    private HardState _state;
    private HardState _stateTaken;
    private RaftRole _role = RaftRole.Follower;
    private NodeId? _leader;
    private Ready? _outstanding;
    private ulong _taken;

    /// <summary>Makes a follower that continues where the restored state ends.</summary>
    /// <exception cref="ArgumentException">The settings or the restored state contradict themselves.</exception>
    public RaftNode(RaftSettings settings, RestoredState restored)
    {
        if (settings.ElectionTicks < 2)
        {
            throw new ArgumentException($"ElectionTicks is {settings.ElectionTicks}; it must be at least 2", nameof(settings));
        }

        _settings = settings;
        _log = new RaftLog(restored.Snapshot, restored.Entries);
        _state = restored.HardState with { Commit = Math.Max(restored.HardState.Commit, restored.Snapshot.Index) };
        if (_state.Term < _log.Last.Term || _state.Commit > _log.LastIndex)
        {
            throw new ArgumentException(
                $"the restored state {restored.HardState} does not fit a log that ends at {_log.Last}", nameof(restored));
        }

        _stateTaken = _state;
        _taken = _log.LastIndex;
        _log.CommitTo(_state.Commit);
    }

    /// <summary>Where the node stands.</summary>
    public RaftStatus Status => new(_settings.Id, _role, _leader, _state, _log.Last, _log.Persisted, _log.Applied, new Membership([_settings.Id]));

    /// <summary>Whether this node is a majority by itself.</summary>
    public bool IsOnlyVoter => _settings.Id.Value > 0;

    /// <summary>Whether <see cref="TakeReady"/> would find something to do.</summary>
    public bool HasReady =>
        _taken < _log.LastIndex || _log.Applied < _log.Committed || MustPersistState || HasDeliverableRead;

    private bool MustPersistState => _state.Term != _stateTaken.Term || _state.VotedFor != _stateTaken.VotedFor;

    private bool HasDeliverableRead => _confirmedReads.Count > 0 && _confirmedReads[0].Index <= _log.Applied;

    /// <summary>One tick of Raft's clock has passed.</summary>
    public void Tick()
    {
        // A node that is its own majority need not wait for anybody.
        if (_role != RaftRole.Leader && ++_ticksWithoutLeader >= _settings.ElectionTicks)
        {
            Campaign();
        }
    }

    /// <summary>Stands for election now, in the next term (Raft §5.2).</summary>
    public void Campaign()
    {
        if (_role == RaftRole.Leader)
        {
            return;
        }

        _ticksWithoutLeader = 0;
        _role = RaftRole.Candidate;
        _leader = null;
        _state = _state with { Term = _state.Term + 1, VotedFor = _settings.Id };
    }

    /// <summary>Takes a message of another member; one that is not a member is not heard.</summary>
    public void Step(in Message message)
    {
        // Whoever is outside the configuration must not move the term: a removed member would depose leaders (Raft §6).
        if (message.To != _settings.Id )
        {
            return;
        }

        Invariant.Holds(message.From != _settings.Id);
    }

    /// <summary>What is to be done next; must be given back to <see cref="Advance"/> before the next is taken.</summary>
    public Ready TakeReady()
    {
        Invariant.Holds(_outstanding is null);
        Entry[] entries = _taken == _log.LastIndex
            ? []
            : _log.Slice(_taken + 1, _log.LastIndex, _settings.BatchBytesMax);
        Entry[] committed = _log.Applied == _log.Committed
            ? []
            : _log.Slice(_log.Applied + 1, _log.Committed, _settings.BatchBytesMax);
        ulong applied = committed.Length == 0 ? _log.Applied : committed[^1].Id.Index;
        bool stateChanged = MustPersistState || (entries.Length > 0 && _state != _stateTaken);
        _outstanding = new Ready
        {
            Persist = stateChanged || entries.Length > 0
                ? new PersistBatch { HardState = _state, Entries = entries, Promises = [] }
                : null,
            Committed = committed,
            Reads = TakeReads(applied),
            Messages = [],
        };
        _taken += (ulong)entries.Length;
        _stateTaken = stateChanged ? _state : _stateTaken;
        return _outstanding;
    }

    /// <summary>The batch of a Ready is durable.</summary>
    public void Persisted(PersistBatch batch)
    {
        if (batch.Entries.Count > 0)
        {
            _log.PersistedTo(batch.Entries[^1].Id.Index);
        }
    }

    /// <summary>The caller has done all of the Ready: it is durable, sent and applied.</summary>
    public void Advance(Ready done)
    {
        Invariant.Holds(ReferenceEquals(done, _outstanding));
        _outstanding = null;
        if (done.Committed.Count > 0)
        {
            _log.AppliedTo(done.Committed[^1].Id.Index);
        }

        if (_role == RaftRole.Candidate && !MustPersistState)
        {
            // The vote for oneself counts once it is on disk, as every vote does.
            BecomeLeader();
        }
        else if (_role == RaftRole.Leader)
        {
            CommitOwn();
        }
    }

    /// <summary>
    /// Forgets the oldest applied entries beyond the bounds; the rest stays for followers that lag. A follower that needs
    /// older ones gets the applied state instead.
    /// </summary>
    public void Compact(int keepEntries, long keepBytes) => _log.Compact(keepEntries, keepBytes);

    private ReadState[] TakeReads(ulong applied)
    {
        int count = 0;
        while (count < _confirmedReads.Count && _confirmedReads[count].Index <= applied)
        {
            count++;
        }

        ReadState[] taken = count == 0 ? [] : [.. _confirmedReads[..count]];
        _confirmedReads.RemoveRange(0, count);
        return taken;
    }
}
