using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;

namespace Discovery.Store.Consensus;

/// <summary>
/// One member's whole order of things: batch, persist, send, apply, publish, answer, watch, lease. Single-threaded,
/// without a clock, thread, file or socket of its own: the server's loop and a simulator drive the same code. What it
/// wants done it asks for through its hooks, which must not block. Only <see cref="View"/>, <see cref="Status"/>,
/// <see cref="IsViewLinearizable"/> and <see cref="Admit"/> may be used by other threads.
/// </summary>
internal sealed partial class Replica
{
    private readonly StoreOptions _options;
    private readonly WalIdentity _identity;
    private readonly RaftNode _node;
    private readonly HistoryPolicy _history;
    private readonly Proposals _proposals;
    private readonly Confirmations _confirmations;
    private readonly List<(Proposal Waiting, CommandResult Result)> _answers = [];
    private readonly ulong _instance;
    private readonly int _electionTicks;
    private KeyspaceState _keyspace;
    private EntryId _applied;
#if MUTANTS
    private EntryId _appliedBefore;
#endif
    private ulong _lastSequence;
    private long _lastLeaseId;
    private TimeSpan _lastTick;
    private bool _leads;
    private (ulong Term, NodeId? Leader) _followed;
    private volatile bool _isViewLinearizable;
    private volatile KeyspaceView _view;
    private volatile StoreStatus _status;

    /// <param name="options">The member's settings.</param>
    /// <param name="identity">Which member of which cluster it is.</param>
    /// <param name="node">Its part of Raft.</param>
    /// <param name="keyspace">Its state, as of the snapshot.</param>
    /// <param name="snapshot">The newest snapshot on disk; default when there is none.</param>
    /// <param name="instance">Drawn at random for this start of the process (<see cref="ProposalId.Instance"/>).</param>
    public Replica(
        StoreOptions options, WalIdentity identity, RaftNode node, KeyspaceState keyspace, SnapshotInfo snapshot, ulong instance)
    {
        _options = options;
        _identity = identity;
        _node = node;
        _keyspace = keyspace;
        _snapshot = snapshot;
        _applied = snapshot.At;
        _instance = instance;
        _proposals = new Proposals(instance);
        _confirmations = new Confirmations(start: instance);
        _lastQuestion = instance;

        // A refusal names sequences only; one of an earlier start must not end a proposal of this one.
        _lastSequence = instance;

        // Nor may an id that was given to a lease be given again, by whichever member.
        _lastLeaseId = (long)instance;
        _history = HistoryPolicy.From(options);
        _leases = new LeaseTable(options.LeaseCheckpointInterval);
        _electionTicks = options.ElectionTicks;
        _view = keyspace.Publish();
        _status = MakeStatus();
    }

    /// <summary>Sends to another member; it may be lost.</summary>
    public Action<PeerMessage>? Send { get; set; }

    /// <summary>
    /// Makes a batch durable; <see cref="Persisted"/> answers it, at once or later. If it fails the process ends: nothing
    /// more may be answered.
    /// </summary>
    public Action<PersistBatch>? PersistDue { get; set; }

    /// <summary>Called after each applied batch, before the batch's answers are given.</summary>
    public Action<KeyspaceView>? ViewChanged { get; set; }

    public KeyspaceView View => _view;

    public StoreStatus Status => _status;

    /// <summary>
    /// Whether <see cref="View"/> is linearizable as it is. A member that is its own majority needs nobody's word that it
    /// leads, and a write is published before it is answered: whatever was acknowledged is in the view.
    /// </summary>
    public bool IsViewLinearizable => _isViewLinearizable;

    /// <summary>Bytes of log and snapshots on disk, told by who writes them.</summary>
    public long DataBytes { get; set; }

    /// <summary>
    /// Whether this member neither hears nor says anything of Raft, and knows no leader; its requests wait. Only before its
    /// first promise (<see cref="Formation"/>).
    /// </summary>
    public bool IsHeldBack { get; set; }

    /// <summary>Whether this member is a majority by itself.</summary>
    public bool IsAlone => _node.IsOnlyVoter;

    /// <summary>Where Raft stands, for who looks on.</summary>
    public RaftStatus Raft => _node.Status;

    /// <summary>Whether <see cref="Turn"/> has work although nothing new comes in.</summary>
    public bool HasWork => _node.HasReady || _keyspace.HasTrimming || (_confirmations.HasEntering && _node.Leader is not null);

    /// <summary>
    /// The first turn. Whoever may stands for election at once: a member alone leads then, and where all were restarted
    /// nobody waits for a leader that is not there; where one leads nothing comes of it.
    /// </summary>
    public void Start(TimeSpan now)
    {
        if (!IsHeldBack)
        {
            Campaign();
        }

        Turn(now);
    }

    /// <summary>Stands for election at once: a member that is its own majority need not wait for a leader.</summary>
    public void Campaign() => _node.Campaign();

    /// <summary>Takes up a request; it is answered by a later <see cref="Turn"/>.</summary>
    public void Enter(Request request, TimeSpan now)
    {
        request.Since = now;
        switch (request)
        {
            case Proposal when _proposals.UnplacedCount >= Limits.ProposalsWaitingMax:
                request.Fail(EtcdError.TooManyRequests);
                break;
            case Proposal proposal:
                _proposals.Add(proposal);
                break;
            case LeaseRequest lease:
                _leaseRequests.Add(lease);
                break;
            case Handover handover:
                StartHandover(handover);
                break;
            default:
                _confirmations.Enter(request);
                break;
        }
    }

    /// <summary>Takes a message of another member. It may be lost, late, repeated or out of order; nothing it says can fail.</summary>
    public void Receive(PeerMessage message, TimeSpan now)
    {
        switch (message)
        {
            case RaftMessage when IsHeldBack:
                break;
            case RaftMessage raft:
                _node.Step(raft.Message);
                FollowOffer(raft.Message);
                break;
            case Forward forward:
                TakeForwarded(forward);
                break;
            case ForwardRefused refused:
                foreach (ulong sequence in refused.Sequences)
                {
                    _proposals.Refused(sequence, refused.Error);
                }

                break;
            case LeaseQuestion question:
                TakeLeaseQuestion(question, now);
                break;
            case LeaseAnswer answer:
                TakeLeaseAnswer(answer);
                break;
            case SnapshotPull pull:
                TakePull(pull);
                break;
            case SnapshotChunk chunk:
                TakeChunk(chunk);
                break;
        }
    }

    /// <summary>A member cannot be reached, or messages to it were dropped.</summary>
    public void ReportUnreachable(NodeId id) => _node.ReportUnreachable(id);

    /// <summary>The batch that <see cref="PersistDue"/> was given is durable.</summary>
    public void Persisted(PersistBatch batch) => _node.Persisted(batch);

    /// <summary>
    /// Whatever ticks of Raft's clock are due, but only <see cref="Limits.TicksBehindMax"/> of those that a pause of the
    /// process has missed. Whether there was one.
    /// </summary>
    public bool Tick(TimeSpan now)
    {
        int due = (int)((now - _lastTick) / _options.TickInterval);
        if (due <= 0)
        {
            return false;
        }

        _lastTick = now;
        for (int i = Math.Min(due, Limits.TicksBehindMax); i > 0; i--)
        {
            TickOnce(now);
        }

        return true;
    }

    /// <summary>Time until the next tick; none when it is due.</summary>
    public TimeSpan UntilTick(TimeSpan now)
    {
        TimeSpan left = _lastTick + _options.TickInterval - now;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>
    /// Does everything that is to be done, in the order that <see cref="Ready"/> lays down. When it throws, the process
    /// must end: nothing more may be answered.
    /// </summary>
    public void Turn(TimeSpan now)
    {
        bool applied = false;
        do
        {
            Place();
            AskLeases();
            _confirmations.Ask(_node);
            while (_node.HasReady)
            {
                applied |= Do(_node.TakeReady(), now);
            }
        }
        while (FollowLeader(now));

        SettleDoubts(now);
        if (_keyspace.HasTrimming)
        {
            _keyspace.Trim(Limits.TrimRevisionsPerBatch);
            _view = _keyspace.HasTrimming ? _view : _keyspace.Publish();
        }

        if (applied)
        {
            _node.Compact(_options.CatchUpEntries, Limits.CatchUpBytes, CompactionFloor, _options.LagBytes);
            AskForSnapshot();
        }

        // All that is committed is applied here; a leader's first entry too, which is when it knows what is committed.
        _isViewLinearizable = _leads && _node.IsOnlyVoter;
        _status = MakeStatus();
    }

    /// <summary>Ends all that wait; the store stops or has failed.</summary>
    public void FailAll(EtcdError error)
    {
        _proposals.FailAll(error);
        _confirmations.FailAll(error);
        FailLeases(error);
        EndHandover(error);
    }

    private void TickOnce(TimeSpan now)
    {
        if (!IsHeldBack)
        {
            _node.Tick();
        }

        TimeSpan since = now - Limits.RequestTimeout;
        EtcdError error = _node.Leader is null ? EtcdError.TimeoutLeaderFailed : EtcdError.Timeout;
        _proposals.FailOlderThan(since, error);
        _confirmations.FailOlderThan(since, error);
        _confirmations.Tick(_electionTicks / 2);
        TickLeases(now, since, _node.Leader is null ? EtcdError.NoLeader : EtcdError.Timeout);
        TickSnapshots();
        TickMembers(now);
        if (_leads && _history.Target(_keyspace, now) is { } revision)
        {
            ProposeOwn(new Command(CommandKind.Compact, new CompactionRequest { Revision = revision }));
        }
    }

    /// <summary>Whether anything was applied.</summary>
    private bool Do(Ready ready, TimeSpan now)
    {
        foreach (Message message in ready.Messages)
        {
            SendRaft(message);
        }

        if (ready.Persist is { } batch)
        {
            PersistDue!(batch);
        }

        foreach (Entry entry in ready.Committed)
        {
            Apply(entry, now);
        }

        if (ready.Committed.Count > 0)
        {
            // Published before it is answered: who has the answer must see the write in the next read.
            PublishAndAnswer();
        }

        foreach (ReadState read in ready.Reads)
        {
            Confirm(read.Context, now);
        }

        _node.Advance(ready);
        return ready.Committed.Count > 0;
    }

    private void Apply(in Entry entry, TimeSpan now)
    {
        if (entry.Id.Term > _applied.Term)
        {
            _proposals.Reached(entry.Id.Term);
        }

#if MUTANTS
        _appliedBefore = _applied;
#endif
        _applied = entry.Id;
        switch (entry.Kind)
        {
            case EntryKind.Command:
                Proposal? waiting = _proposals.Take(CommandCodec.ProposalOf(entry.Payload.Span));
                Command command = waiting?.Command ?? CommandCodec.Decode(entry.Payload.Span, out _);
                FeatureLevels.Require(FeatureLevels.Of(command.Kind), _options.FeatureLevel);
                CommandResult result = _keyspace.Apply(entry.Id.Index, command);
                FeatureLevels.Require(_keyspace.Members.FeatureLevel, _options.FeatureLevel);
                FollowLease(command, result, now);
                Note(waiting, result);
                break;
            case EntryKind.Membership:
                ApplyMembership(entry);
                break;
            default:
                _keyspace.Skip(entry.Id.Index);
                BeginLeading(now);
                break;
        }
    }

    /// <summary>A leader's first entry is applied, and with it all that came before.</summary>
    private void BeginLeading(TimeSpan now)
    {
#if MUTANTS
        if (StoreMutant.LeasesResumedEarly.IsPlanted())
        {
            return;
        }
#endif
        if (_leads && KnowsWhatWasDecided)
        {
            ResumeLeases(now);
        }
    }

    /// <summary>Whether an entry of this term is applied: what former leaders decided is then too.</summary>
    private bool KnowsWhatWasDecided => _applied.Term == _node.Term;

    /// <summary>Whether every member's program can apply such a command.</summary>
    private bool Allows(CommandKind kind) =>
#if MUTANTS
        StoreMutant.FeatureTooEarly.IsPlanted() ||
#endif
        FeatureLevels.Of(kind) <= _keyspace.Members.FeatureLevel;

    private void Note(Proposal? waiting, in CommandResult result)
    {
        if (waiting is not null)
        {
            _answers.Add((waiting, result));
        }
    }

    private void PublishAndAnswer()
    {
        _view = _keyspace.Publish();
        _status = MakeStatus();
        ViewChanged?.Invoke(_view);
        foreach ((Proposal waiting, CommandResult result) in _answers)
        {
            waiting.Complete(result);
        }

        _answers.Clear();
    }

    private void Confirm(ulong context, TimeSpan now)
    {
        foreach (Request request in _confirmations.Take(context))
        {
            switch (request)
            {
                case ReadBarrier read:
                    read.Complete(null);
                    break;
                case LeaseRequest lease:
                    AnswerLease(lease, now);
                    break;
                case RemoteLeases remote:
                    AnswerLeases(remote, now);
                    break;
                case Expiry expiry when !ProposeRevocation(expiry.LeaseId):
                    _leases.Revive(expiry.LeaseId);
                    break;
            }
        }
    }

    /// <summary>Whether the leader or the term changed: then what was asked of the last one is asked again.</summary>
    private bool FollowLeader(TimeSpan now)
    {
        (ulong Term, NodeId? Leader) current = (_node.Term, _node.Leader);
        if (current == _followed)
        {
            return false;
        }

        _followed = current;
#if MUTANTS
        if (StoreMutant.ProposedAgain.IsPlanted())
        {
            _proposals.Reached(_node.Term);
        }
#endif
        bool leads = _node.Role == RaftRole.Leader;
        if (leads || _leads)
        {
            _leads = leads;
            BeginTerm(now);
        }

        AskLeasesAgain(leads);
        _confirmations.AskAgain();
        SettleHandover();
        return current.Leader is not null;
    }

    /// <summary>A leader's own bookkeeping starts anew, also when it led before.</summary>
    private void BeginTerm(TimeSpan now)
    {
        _lastBatches.Clear();
        _held.Clear();
        _changes.Clear();
        ForgetTransfers();
        ResumeLeases(now);
    }

    private bool ProposeOwn(in Command command) =>
        _node.TryPropose(CommandCodec.Encode(command, default), out _) == ProposalOutcome.Accepted;

    private void SendRaft(in Message message)
    {
        if (message.Kind == MessageKind.InstallSnapshot)
        {
            OfferSnapshot(message);
        }
        else
        {
            Send?.Invoke(new RaftMessage(message));
        }
    }

    private StoreStatus MakeStatus()
    {
        RaftStatus raft = _node.Status;
        return new StoreStatus(
            _identity.ClusterId,
            _identity.MemberId,
            raft.Leader?.Value ?? 0,
            raft.HardState.Term,
            raft.HardState.Commit,
            _keyspace.AppliedIndex,
            DataBytes);
    }
}
