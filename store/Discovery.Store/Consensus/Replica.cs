using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;

namespace Discovery.Store.Consensus;

/// <summary>
/// One member's whole order of things: batch, persist, apply, publish, answer, watch, lease. Single-threaded, without a
/// clock, thread or socket of its own: the server's loop and a simulator drive the same code. Only <see cref="View"/>,
/// <see cref="Status"/> and <see cref="RemainingSeconds"/> may be used by other threads.
/// </summary>
internal sealed class Replica
{
    private readonly StoreOptions _options;
    private readonly RaftNode _node;
    private readonly Wal _wal;
    private readonly KeyspaceState _keyspace;
    private readonly HistoryPolicy _history;
    private readonly LeaseTable _leases = new();
    private readonly Proposals _proposals = new();
    private readonly Confirmations _confirmations = new();
    private readonly List<Renewal> _renewalsInDoubt = [];
    private readonly List<(Proposal? Waiting, CommandResult Result)> _answers = [];
    private SnapshotInfo _snapshot;
    private EntryId _applied;
    private long _logBytesAtSnapshot;
    private bool _isSnapshotting;
    private bool _leads;
    private volatile bool _isViewLinearizable;
    private volatile KeyspaceView _view;
    private volatile StoreStatus _status;

    public Replica(
        StoreOptions options, RaftNode node, Wal wal, KeyspaceState keyspace, SnapshotInfo snapshot)
    {
        _options = options;
        _node = node;
        _wal = wal;
        _keyspace = keyspace;
        _snapshot = snapshot;
        _applied = snapshot.At;
        _history = HistoryPolicy.From(options);
        _logBytesAtSnapshot = wal.BytesWritten;
        _view = keyspace.Publish();
        _status = MakeStatus();
    }

    /// <summary>Called after each applied batch, before the batch's answers are given; must not block.</summary>
    public Action<KeyspaceView>? ViewChanged { get; set; }

    /// <summary>Called when a snapshot is to be written; <see cref="SnapshotSaved"/> answers it.</summary>
    public Action<KeyspaceView, EntryId>? SnapshotDue { get; set; }

    public KeyspaceView View => _view;

    public StoreStatus Status => _status;

    /// <summary>
    /// Whether <see cref="View"/> is linearizable as it is. A member that is its own majority needs nobody's word that it
    /// leads, and a write is published before it is answered: whatever was acknowledged is in the view.
    /// </summary>
    public bool IsViewLinearizable => _isViewLinearizable;

    /// <summary>Bytes of the snapshots on disk, told by who writes them.</summary>
    public long SnapshotBytes { get; set; }

    /// <summary>Whether <see cref="Turn"/> has work although nothing new comes in.</summary>
    public bool HasWork => _node.HasReady || _keyspace.HasTrimming || _confirmations.HasEntering;

    /// <summary>Stands for election at once: a member that is its own majority need not wait for a leader.</summary>
    public void Campaign() => _node.Campaign();

    /// <summary>Takes up a request; it is answered by a later <see cref="Turn"/>.</summary>
    public void Enter(Request request, TimeSpan now)
    {
        request.Since = now;
        if (request is Proposal proposal)
        {
            Propose(proposal);
        }
        else
        {
            _confirmations.Enter(request);
        }
    }

    /// <summary>One tick of Raft's clock.</summary>
    public void Tick(TimeSpan now)
    {
        _node.Tick();
        _proposals.FailOlderThan(now - Limits.RequestTimeout);
        if (!_leads)
        {
            return;
        }

        foreach (long id in _leases.TakeExpired(now, Limits.LeaseExpiriesPerTick))
        {
            // Not revoked yet: a leader that was cut off must not end leases that the others keep renewing.
            _confirmations.Enter(new Expiry(id, _leases));
        }

        if (_history.Target(_keyspace, now) is { } revision)
        {
            ProposeOwn(new Command(CommandKind.Compact, new CompactionRequest { Revision = revision }));
        }
    }

    /// <summary>
    /// Does everything that is to be done, in the order that <see cref="Ready"/> lays down. When it throws, the process
    /// must end: nothing more may be answered.
    /// </summary>
    public void Turn(TimeSpan now)
    {
        bool applied = false;
        _confirmations.Ask(_node);
        while (_node.HasReady)
        {
            Ready ready = _node.TakeReady();
            if (ready.Persist is { } batch)
            {
                // One write and one sync for all that came in since the last turn.
                _wal.Write(batch.HardState, batch.Entries);
                _node.Persisted(batch);
            }

            foreach (Entry entry in ready.Committed)
            {
                Apply(entry, now);
                applied = true;
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
            FollowRole(now);
        }

        SettleDoubts(now);
        if (_keyspace.HasTrimming)
        {
            _keyspace.Trim(Limits.TrimRevisionsPerBatch);
            _view = _keyspace.HasTrimming ? _view : _keyspace.Publish();
        }

        if (applied)
        {
            _node.Compact(Limits.CatchUpEntries, Limits.CatchUpBytes);
            AskForSnapshot();
        }

        // All that is committed is applied here; a leader's first entry too, which is when it knows what is committed.
        _isViewLinearizable = _leads && _node.IsOnlyVoter;
        _status = MakeStatus();
    }

    /// <summary>A snapshot is durable (or was not made: null); the log before the oldest one kept can go.</summary>
    public void SnapshotSaved(SnapshotInfo? saved, EntryId oldest)
    {
        _isSnapshotting = false;
        if (saved is { } snapshot)
        {
            _snapshot = snapshot;
            _wal.DropBefore(oldest.Index);
        }
    }

    /// <summary>Ends all that wait; the store stops or has failed.</summary>
    public void FailAll(EtcdError error)
    {
        _proposals.FailAll(error);
        _confirmations.FailAll(error);
        foreach (Renewal renewal in _renewalsInDoubt)
        {
            renewal.Fail(error);
        }

        _renewalsInDoubt.Clear();
    }

    /// <summary>Seconds until a lease ends by this member's clock; -1 when it is unknown. From any thread.</summary>
    public long RemainingSeconds(long leaseId, TimeSpan now) => _leases.Remaining(leaseId, now);

    private void Propose(Proposal proposal)
    {
        if (_node.TryPropose(proposal.Payload, out EntryId id))
        {
            _proposals.Add(id, proposal);
        }
        else
        {
            proposal.Fail(_leads ? EtcdError.TooManyRequests : EtcdError.NoLeader);
        }
    }

    private bool ProposeOwn(in Command command) => _node.TryPropose(CommandCodec.Encode(command, default), out _);

    private void Apply(in Entry entry, TimeSpan now)
    {
        _applied = entry.Id;
        if (entry.Kind != EntryKind.Command)
        {
            _keyspace.Skip(entry.Id.Index);
            return;
        }

        Proposal? waiting = _proposals.Take(entry.Id);
        Command command = waiting?.Command ?? CommandCodec.Decode(entry.Payload.Span, out _);
        CommandResult result = _keyspace.Apply(entry.Id.Index, command);
        if (result.Response is LeaseGrantResponse grant && _leads)
        {
            _leases.Grant(grant.ID, grant.TTL, now);
        }
        else if (command.Request is LeaseRevokeRequest revoke)
        {
            _leases.Remove(revoke.ID);
        }

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
        foreach ((Proposal? waiting, CommandResult result) in _answers)
        {
            waiting?.Complete(result);
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
                case Renewal renewal:
                    Renew(renewal, now);
                    break;
                case Expiry expiry when !ProposeRevocation(expiry.LeaseId):
                    _leases.Revive(expiry.LeaseId);
                    break;
            }
        }
    }

    private bool ProposeRevocation(long leaseId) =>
        ProposeOwn(new Command(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = leaseId }));

    private void Renew(Renewal renewal, TimeSpan now)
    {
        if (_leases.IsExpiring(renewal.LeaseId))
        {
            // The revocation is in the log already: whether the lease lives is known when it is applied.
            _renewalsInDoubt.Add(renewal);
            return;
        }

        renewal.Complete(_leases.Renew(renewal.LeaseId, now));
    }

    private void SettleDoubts(TimeSpan now)
    {
        if (_renewalsInDoubt.Count > 0)
        {
            Renewal[] doubted = [.. _renewalsInDoubt];
            _renewalsInDoubt.Clear();
            foreach (Renewal renewal in doubted)
            {
                Renew(renewal, now);
            }
        }
    }

    private void FollowRole(TimeSpan now)
    {
        bool leads = _node.Status.Role == RaftRole.Leader;
        if (leads == _leads)
        {
            return;
        }

        _leads = leads;
        _leases.Clear();
        if (leads)
        {
            // Nobody knows how long ago the last leader heard of them: none gets less than it may have left.
            foreach (LeaseView lease in _keyspace.Leases.Values)
            {
                _leases.Resume(lease, now);
            }
        }
        else
        {
            _proposals.FailAll(EtcdError.LeaderChanged);
            _confirmations.FailAll(EtcdError.LeaderChanged);
        }
    }

    private void AskForSnapshot()
    {
        bool due = _applied.Index - _snapshot.At.Index >= (ulong)_options.SnapshotCount
            && _wal.BytesWritten - _logBytesAtSnapshot >= Limits.SnapshotLogFactor * _snapshot.Bytes;
        if (due && !_isSnapshotting && SnapshotDue is not null)
        {
            _isSnapshotting = true;
            _logBytesAtSnapshot = _wal.BytesWritten;
            SnapshotDue(_view, _applied);
        }
    }

    private StoreStatus MakeStatus()
    {
        RaftStatus raft = _node.Status;
        return new StoreStatus(
            _wal.Identity.ClusterId,
            _wal.Identity.MemberId,
            raft.Leader?.Value ?? 0,
            raft.HardState.Term,
            raft.HardState.Commit,
            _keyspace.AppliedIndex,
            _wal.DiskBytes + SnapshotBytes);
    }
}
