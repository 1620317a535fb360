namespace Discovery.Raft;

/// <summary>
/// One member of Raft as a pure state machine: calls go in, a <see cref="Ready"/> comes out. It has no clock (time is
/// counted in ticks), no disk, no network, no thread, and no chance but its seed; the same calls give the same answers
/// for ever. Not safe for use by several threads: one loop owns it.
/// </summary>
/// <remarks>
/// Every message is allowed to be lost, late, repeated or out of order. Promises (votes, acknowledgements) wait until
/// what they promise is durable; see <see cref="Promise"/>.
/// </remarks>
public sealed partial class RaftNode
{
    private readonly RaftSettings _settings;
    private readonly Random _random;
    private readonly RaftLog _log;
    private readonly List<Message> _outbox = [];
    private readonly List<(ulong Index, Message Message)> _promises = [];
    private readonly List<ReadState> _confirmedReads = [];
    private HardState _state;
    private HardState _durableState;
    private RaftRole _role = RaftRole.Follower;
    private NodeId? _leader;
    private EntryId? _installed;
    private PersistBatch? _persisting;
    private Ready? _outstanding;

    /// <summary>Makes a follower that continues where the restored state ends.</summary>
    /// <exception cref="ArgumentException">The settings or the restored state contradict themselves.</exception>
    public RaftNode(RaftSettings settings, RestoredState restored)
    {
        if (settings.HeartbeatTicks < 1 || settings.ElectionTicks <= settings.HeartbeatTicks)
        {
            throw new ArgumentException(
                $"found {settings.HeartbeatTicks} heartbeat ticks and {settings.ElectionTicks} election ticks; wanted at least 1, and more",
                nameof(settings));
        }

        _settings = settings;
        _random = new Random(settings.Seed);
        _log = new RaftLog(restored.Snapshot, restored.Membership, restored.Entries);
        ulong commit = Math.Max(restored.HardState.Commit, restored.Snapshot.Index);
        if (restored.HardState.IsRecovering)
        {
            // It may have known more to be committed than is left of its log.
            commit = Math.Min(commit, _log.LastIndex);
        }

        _durableState = restored.HardState with { Commit = commit };
        _state = Resume(_durableState, restored.Snapshot.Term);
        if (_state.Term < _log.Last.Term || commit > _log.LastIndex)
        {
            throw new ArgumentException(
                $"the restored state {restored.HardState} does not fit a log that ends at {_log.Last}", nameof(restored));
        }

        _log.CommitTo(commit);
        AwaitLeader();
    }

    /// <summary>Where the node stands.</summary>
    public RaftStatus Status => new(
        _settings.Id,
        _role,
        _leader,
        _state with { Commit = _log.Committed },
        _log.Last,
        _log.Persisted,
        _log.Applied,
        _log.Membership);

    /// <summary>What the node is.</summary>
    public RaftRole Role => _role;

    /// <summary>The leader it knows.</summary>
    public NodeId? Leader => _leader;

    /// <summary>Its term.</summary>
    public ulong Term => _state.Term;

    /// <summary>The members, as its log has them; perhaps not committed yet.</summary>
    public Membership Membership => _log.Membership;

    /// <summary>Index before the first entry that is still held; a follower that lags further needs a snapshot.</summary>
    public ulong CompactedIndex => _log.Before.Index;

    /// <summary>
    /// Up to which entry all followers hold the log that are heard of and not in need of a snapshot: they have use for
    /// what comes after. The greatest number when there is none, or this node does not lead.
    /// </summary>
    public ulong LaggingIndex
    {
        get
        {
            ulong lagging = ulong.MaxValue;
            foreach (Progress progress in _progress.Values)
            {
                if (progress.Mode != ReplicationMode.Snapshot && (progress.IsActive || progress.WasActive))
                {
                    lagging = Math.Min(lagging, progress.Match);
                }
            }

            return lagging;
        }
    }

    /// <summary>Whether this node is a majority by itself.</summary>
    public bool IsOnlyVoter =>
        !_log.Membership.IsJoint && _log.Membership.Voters.Length == 1 && _log.Membership.Voters[0] == _settings.Id;

    /// <summary>Whether <see cref="TakeReady"/> would find something to do.</summary>
    public bool HasReady =>
        _outbox.Count > 0
        || _log.Applied < _log.Committed
        || (_persisting is null && MustPersist)
        || HasDeliverableRead
        || (_role == RaftRole.Leader && HasToSend);

    private bool MustPersist => _log.Taken < _log.LastIndex || _installed is not null || !IsStateDurable;

    /// <summary>The commit index may be lost; nothing is promised by it.</summary>
    private bool IsStateDurable =>
        _state.Term == _durableState.Term
        && _state.VotedFor == _durableState.VotedFor
        && _state.IsRecovering == _durableState.IsRecovering;

    private bool HasDeliverableRead
    {
        get
        {
            foreach (ReadState read in _confirmedReads)
            {
                if (read.Index <= _log.Applied)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>One tick of Raft's clock has passed.</summary>
    public void Tick()
    {
        if (_role == RaftRole.Leader)
        {
            TickLeader();
        }
        else
        {
            TickFollower();
        }
    }

    /// <summary>Takes a message of another member.</summary>
    public void Step(in Message message)
    {
        if (message.To != _settings.Id || message.From == _settings.Id)
        {
            return;
        }

        if (message.Term > _state.Term && !StepNewerTerm(message))
        {
            return;
        }

        if (message.Term < _state.Term)
        {
            StepOlderTerm(message);
            return;
        }

        switch (message.Kind)
        {
            case MessageKind.Append:
                OnAppend(message);
                break;
            case MessageKind.InstallSnapshot:
                OnInstallSnapshot(message);
                break;
            case MessageKind.PreVoteRequest or MessageKind.VoteRequest:
                OnVoteRequest(message);
                break;
            case MessageKind.PreVoteResponse or MessageKind.VoteResponse:
                OnVoteResponse(message);
                break;
            case MessageKind.TimeoutNow:
                OnTimeoutNow();
                break;
            case MessageKind.ReadIndexResponse when _confirmedReads.Count < _settings.ReadsMax:
                _confirmedReads.Add(new ReadState(message.Context, message.Index));
                break;
            case MessageKind.AppendResponse when _role == RaftRole.Leader:
                OnAppendResponse(message);
                break;
            case MessageKind.ReadIndex when _role == RaftRole.Leader:
                OnReadIndex(message);
                break;
        }
    }

    /// <summary>What is to be done next; must be given back to <see cref="Advance"/> before the next is taken.</summary>
    public Ready TakeReady()
    {
        Invariant.Holds(_outstanding is null);
        if (_role == RaftRole.Leader)
        {
            SendAll();
        }

        Entry[] committed = _log.Slice(_log.Applied + 1, _log.Committed, _settings.BatchBytesMax);
        ulong applied = committed.Length == 0 ? _log.Applied : committed[^1].Id.Index;
        Message[] messages = _outbox.Count == 0 ? [] : [.. _outbox];
        _outbox.Clear();
        return _outstanding = new Ready
        {
            Messages = messages,
            Persist = _persisting is null && MustPersist ? TakeBatch() : null,
            Committed = committed,
            Reads = TakeReads(applied),
        };
    }

    /// <summary>
    /// The batch is durable. What depends on it is promised with the next Ready: votes, acknowledgements, and that this
    /// node's own copy counts towards a commit.
    /// </summary>
    public void Persisted(PersistBatch batch)
    {
        Invariant.Holds(ReferenceEquals(batch, _persisting));
        _persisting = null;
        _durableState = batch.HardState;
        _log.BatchIsDurable();
        KeepPromises();
        if (_role == RaftRole.Candidate)
        {
            CountVotes();
        }
        else if (_role == RaftRole.Leader)
        {
            CommitByMajority();
        }
        else
        {
            EndRecovery();
        }
    }

    /// <summary>The caller has sent and applied all of the Ready, and takes care of what is to be persisted.</summary>
    public void Advance(Ready done)
    {
        Invariant.Holds(ReferenceEquals(done, _outstanding));
        _outstanding = null;
        if (done.Committed.Count > 0)
        {
            _log.AppliedTo(done.Committed[^1].Id.Index);
        }
    }

    /// <summary>
    /// Forgets the oldest applied entries beyond the bounds; the rest stays for followers that lag. A follower that needs
    /// older ones gets the applied state instead.
    /// </summary>
    /// <param name="keepEntries">Entries to keep.</param>
    /// <param name="keepBytes">Bytes of payload to keep, at most.</param>
    /// <param name="floor">No entry after this index goes: somebody needs it (<see cref="LaggingIndex"/>), or is on the way to it with a snapshot.</param>
    /// <param name="floorBytes">... unless the payload is more than this: nobody may make a leader keep everything.</param>
    public void Compact(int keepEntries, long keepBytes, ulong floor = ulong.MaxValue, long floorBytes = long.MaxValue) =>
        _log.Compact(keepEntries, keepBytes, floor, floorBytes);

    private static HardState Resume(HardState restored, ulong snapshotTerm)
    {
        if (restored.IsRecovering)
        {
            // Leaders of the terms so far count what it acknowledged before the damage; none of them can be followed.
            return restored with { Term = Math.Max(restored.Term, snapshotTerm) + 1, VotedFor = null };
        }

        // What is committed may be applied, and its state written, before the log that leads there is durable. Nothing was
        // promised in that term then.
        return restored.Term < snapshotTerm ? restored with { Term = snapshotTerm, VotedFor = null } : restored;
    }

    private void BecomeFollower(ulong term, NodeId? leader)
    {
        if (term != _state.Term)
        {
            _state = _state with { Term = term, VotedFor = null };

            // What was to be promised in an older term is of no use to anybody, and after a replaced entry it is a lie.
            _promises.Clear();
        }

        if (_role == RaftRole.Leader)
        {
            EndLeading();
        }

        _role = RaftRole.Follower;
        _leader = leader;
        AwaitLeader();
    }

    /// <summary>Whether the message is to be looked at further.</summary>
    private bool StepNewerTerm(in Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.PreVoteRequest:
                // Nobody's term changes by a question (Raft thesis §9.6).
                if (!HearsLeader)
                {
                    OnVoteRequest(message);
                }

                return false;
            case MessageKind.PreVoteResponse when message.Accepted:
                // It carries the term that we asked for.
                OnVoteResponse(message);
                return false;
            case MessageKind.VoteRequest when HearsLeader && !message.Accepted:
                // A leader is alive: whoever does not hear it must not depose it (Raft §6, thesis §4.2.3).
                return false;
            case MessageKind.Append or MessageKind.InstallSnapshot:
                BecomeFollower(message.Term, message.From);
                return true;
            default:
                BecomeFollower(message.Term, null);
                return true;
        }
    }

    private void StepOlderTerm(in Message message)
    {
        switch (message.Kind)
        {
            case MessageKind.Append or MessageKind.InstallSnapshot:
                // A leader that does not know that its time is over, perhaps because we, cut off, went ahead: it learns
                // our term, and the cluster elects one that we can follow.
                _outbox.Add(new Message(MessageKind.AppendResponse, _settings.Id, message.From, _state.Term));
                break;
            case MessageKind.PreVoteRequest:
                _outbox.Add(new Message(MessageKind.PreVoteResponse, _settings.Id, message.From, _state.Term));
                break;
            case MessageKind.VoteRequest:
                _outbox.Add(new Message(MessageKind.VoteResponse, _settings.Id, message.From, _state.Term));
                break;
        }
    }

    /// <summary>
    /// Sends the message once everything it stands on is durable: the term and the vote, and the log up to the index.
    /// An acknowledgement or a vote that a crash could undo would commit what is lost, or elect two leaders.
    /// </summary>
    private void Promise(ulong index, in Message message)
    {
        if (IsStateDurable && index <= _log.Persisted)
        {
            _outbox.Add(message);
        }
        else if (!_promises.Contains((index, message)))
        {
            // A leader that hears nothing repeats itself; a disk that takes long must not gather an answer to each.
            _promises.Add((index, message));
        }
    }

    private void KeepPromises()
    {
        if (!IsStateDurable)
        {
            return;
        }

        foreach ((ulong index, Message message) in _promises)
        {
            if (index <= _log.Persisted)
            {
                _outbox.Add(message);
            }
        }

        _promises.RemoveAll(promise => promise.Index <= _log.Persisted);
    }

    private PersistBatch TakeBatch()
    {
        Entry[] entries = _log.TakeForDisk(_settings.BatchBytesMax);

        // A leader may know more to be committed than its own disk holds; after a restart the log must reach that far.
        _state = _state with { Commit = Math.Max(_state.Commit, Math.Min(_log.Committed, _log.Taken)) };
        _persisting = new PersistBatch { HardState = _state, Snapshot = _installed, Entries = entries };
        _installed = null;
        return _persisting;
    }

    private ReadState[] TakeReads(ulong applied)
    {
        if (_confirmedReads.Count == 0)
        {
            return [];
        }

        ReadState[] taken = [.. _confirmedReads.Where(read => read.Index <= applied)];
        _confirmedReads.RemoveAll(read => read.Index <= applied);
        return taken;
    }
}
