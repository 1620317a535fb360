using Discovery.EtcdApi;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;

namespace Discovery.Store.Consensus;

/// <summary>
/// Snapshots: when one is due, and how a follower that lags too far fetches one. The follower pulls it piece by piece, so
/// a lost message costs one piece, the pace is the slower side's, and heartbeats pass in between.
/// </summary>
internal sealed partial class Replica
{
    private readonly Dictionary<NodeId, Message> _offersWaiting = [];
    private readonly Dictionary<NodeId, (EntryId At, int Tick)> _transfers = [];
    private readonly Queue<SnapshotPull> _pulls = new();
    private SnapshotInfo _snapshot;
    private long _logBytesAtSnapshot;
    private bool _isSnapshotting;
    private EntryId _snapshotting;
    private bool _isSnapshotWanted;
    private SnapshotReceiver? _receiver;
    private NodeId _source;
    private bool _isInstalling;
    private int _tick;
    private int _lastPieceTick;
    private int _bytesThisTick;

    /// <summary>A snapshot of the view is to be written; <see cref="SnapshotSaved"/> answers it.</summary>
    public Action<KeyspaceView, EntryId>? SnapshotDue { get; set; }

    /// <summary>
    /// A snapshot was received whole and is to be checked and read (<see cref="SnapshotFiles.Install"/>);
    /// <see cref="SnapshotInstalled"/> answers it.
    /// </summary>
    public Action<SnapshotReceiver>? InstallDue { get; set; }

    /// <summary>The snapshots on disk.</summary>
    public required SnapshotFiles Snapshots { private get; init; }

    /// <summary>Bytes that were written to the log since it was opened, told by who writes it.</summary>
    public long LogBytes { get; set; }

    /// <summary>
    /// No entry after this goes from memory: a follower lacks it, or it would follow the snapshot that somebody fetches or
    /// waits for. Under load more comes in meanwhile than is kept for nobody, and the next snapshot would be too old again.
    /// </summary>
    private ulong CompactionFloor
    {
        get
        {
            ulong floor = _node.LaggingIndex;
            foreach ((EntryId at, int _) in _transfers.Values)
            {
                floor = Math.Min(floor, at.Index);
            }

            return _offersWaiting.Count > 0 && _isSnapshotting ? Math.Min(floor, _snapshotting.Index) : floor;
        }
    }

    /// <summary>A snapshot is durable, or was not made: null.</summary>
    public void SnapshotSaved(SnapshotInfo? saved)
    {
        _isSnapshotting = false;
        if (saved is not { } snapshot || snapshot.At.Index <= _snapshot.At.Index)
        {
            return;
        }

        _snapshot = snapshot;
        foreach (Message offer in _offersWaiting.Values.ToArray())
        {
            _ = _offersWaiting.Remove(offer.To);
            OfferSnapshot(offer);
        }
    }

    /// <summary>A received snapshot is read and becomes the state, unless the log went past it meanwhile. Null: it was damaged.</summary>
    public void SnapshotInstalled(SnapshotReceiver received, (KeyspaceState State, SnapshotInfo Info)? installed)
    {
        Invariant.Holds(ReferenceEquals(received, _receiver));
        (_receiver, _isInstalling) = (null, false);
        if (installed is not { } snapshot)
        {
            return;
        }

        FeatureLevels.Require(snapshot.State.Members.FeatureLevel, _options.FeatureLevel);
        Membership membership = Membership.Decode(snapshot.State.Members.Configuration);
        if (_node.Restore(snapshot.Info.At, membership))
        {
            _keyspace = snapshot.State;
            _snapshot = snapshot.Info;
            _applied = snapshot.Info.At;
            _logBytesAtSnapshot = LogBytes;
            _proposals.FailPlaced(EtcdError.Timeout);
            PublishAndAnswer();
        }
    }

    /// <summary>Sends a follower's offer on with a snapshot that its log can go on from; has one made if there is none.</summary>
    private void OfferSnapshot(in Message offer)
    {
        if (_node.Role != RaftRole.Leader || offer.Term != _node.Term)
        {
            return;
        }

        // The one that it fetches, or reads and checks already, as long as the log goes on from there.
        ulong oldest = Math.Max(1, _node.CompactedIndex);
        EntryId at = _transfers.TryGetValue(offer.To, out (EntryId At, int Tick) transfer) && transfer.At.Index >= oldest ? transfer.At : _snapshot.At;
        if (at.Index >= oldest)
        {
            NoteTransfer(offer.To, at);
            Send?.Invoke(new RaftMessage(offer with { Log = at }));
            return;
        }

        _offersWaiting[offer.To] = offer;
        _isSnapshotWanted = true;
        AskForSnapshot();
    }

    private void ForgetTransfers()
    {
        _offersWaiting.Clear();
        _transfers.Clear();
        _pulls.Clear();
        HoldTransfers();
    }

    /// <summary>What is being fetched stays on the disk.</summary>
    private void HoldTransfers() => Snapshots.Held = [.. _transfers.Values.Select(static transfer => transfer.At)];

    private void AskForSnapshot()
    {
        bool due = _isSnapshotWanted
            || (_applied.Index - _snapshot.At.Index >= (ulong)_options.SnapshotCount
                && LogBytes - _logBytesAtSnapshot >= Limits.SnapshotLogFactor * _snapshot.Bytes);
        if (due && !_isSnapshotting && SnapshotDue is not null && _applied.Index > _snapshot.At.Index)
        {
            (_isSnapshotting, _isSnapshotWanted) = (true, false);
            _snapshotting = _applied;
            _logBytesAtSnapshot = LogBytes;
#if MUTANTS
            SnapshotDue(_view, StoreMutant.AppliedIndexNotAtomic.IsPlanted() ? _appliedBefore : _applied);
#else
            SnapshotDue(_view, _applied);
#endif
        }
    }

    private void TickSnapshots()
    {
        _tick++;
        _bytesThisTick = 0;
        EndTransfers();

        while (_bytesThisTick < Limits.SnapshotBytesPerTick && _pulls.TryDequeue(out SnapshotPull? pull))
        {
            SendPiece(pull);
        }

        if (_receiver is not null && !_isInstalling && _tick - _lastPieceTick >= _electionTicks / 2)
        {
            Pull();
        }
    }

    /// <summary>The leader offers a snapshot, or offers it again because it heard nothing.</summary>
    private void FollowOffer(in Message message)
    {
        if (message.Kind != MessageKind.InstallSnapshot
            || _node.Leader != message.From
            || _node.Term != message.Term
            || _node.Role == RaftRole.Leader
            || message.Log.Index <= _node.Status.HardState.Commit
            || _isInstalling)
        {
            return;
        }

        if (_receiver is null || _receiver.At != message.Log)
        {
            _receiver?.Abandon();
            _receiver = Snapshots.Receive(message.Log);
        }

        // A new leader may go on where the last one stopped: the same entry stands for the same state, but not for the
        // same bytes, so another source starts anew unless it was only just begun.
        if (_source != message.From && _receiver.Offset > 0)
        {
            _receiver.Abandon();
            _receiver = Snapshots.Receive(message.Log);
        }

        _source = message.From;
        Pull();
    }

    private void Pull()
    {
        _lastPieceTick = _tick;
        Send?.Invoke(new SnapshotPull(Self, _source, _receiver!.At, _receiver.Offset));
    }

    private void TakePull(SnapshotPull pull)
    {
        if (_node.Role != RaftRole.Leader)
        {
            return;
        }

        _node.ReportSnapshot(pull.From);
        NoteTransfer(pull.From, pull.At);
        if (_bytesThisTick < Limits.SnapshotBytesPerTick)
        {
            SendPiece(pull);
        }
        else if (_pulls.Count < Limits.SnapshotPullsMax)
        {
            _pulls.Enqueue(pull);
        }
    }

    private void NoteTransfer(NodeId to, EntryId at)
    {
        bool isNew = !_transfers.TryGetValue(to, out (EntryId At, int Tick) before) || before.At != at;
        _transfers[to] = (at, _tick);
        if (isNew)
        {
            HoldTransfers();
        }
    }

    /// <summary>Of those who go on from the log by now, and of those who have not been heard of for long.</summary>
    private void EndTransfers()
    {
        if (_transfers.Count == 0)
        {
            return;
        }

        IReadOnlyList<FollowerStatus> followers = _node.Followers();
        foreach ((NodeId id, (EntryId _, int tick)) in _transfers)
        {
            // Reading and checking a large one takes its time, in which it asks for nothing.
            bool isWaiting = followers.Any(follower => follower.Id == id && follower.NeedsSnapshot && follower.IsActive);
            if (!isWaiting && _tick - tick > 2 * _electionTicks)
            {
                _transfers.Remove(id);
                HoldTransfers();
            }
        }
    }

    private void SendPiece(SnapshotPull pull)
    {
        SnapshotPiece piece = Snapshots.ReadPiece(pull.At, pull.Offset);
        if (piece.TotalBytes == 0)
        {
            // It is gone, or our disk has damaged it: another is offered.
            _transfers.Remove(pull.From);
            HoldTransfers();
            if (pull.At == _snapshot.At)
            {
                (_snapshot, _isSnapshotWanted) = (default, true);
                AskForSnapshot();
            }
        }

        _bytesThisTick += piece.Bytes.Length;
        Send?.Invoke(new SnapshotChunk(Self, pull.From, pull.At, pull.Offset, piece.TotalBytes, piece.Crc, piece.Bytes));
    }

    private void TakeChunk(SnapshotChunk chunk)
    {
        if (_receiver is not { } receiver || _isInstalling || chunk.From != _source || chunk.At != receiver.At)
        {
            return;
        }

        if (chunk.TotalBytes == 0)
        {
            // Gone at the source; it offers a newer one.
            receiver.Abandon();
            _receiver = null;
            return;
        }

        if (!receiver.Take(chunk.Offset, new SnapshotPiece(chunk.TotalBytes, chunk.Crc, chunk.Bytes)))
        {
            return;
        }

        if (receiver.IsWhole)
        {
            _isInstalling = true;
            InstallDue!(receiver);
        }
        else
        {
            Pull();
        }
    }
}
