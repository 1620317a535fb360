using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Consensus;

/// <summary>
/// The loop of a store member. It gives <see cref="Replica"/>, which decides every order, what that has not: a thread,
/// files, a clock.
/// </summary>
/// <remarks>
/// One turn: (1) drain the inbox; (2) propose all of it; (3) write one batch; (4) one fdatasync; (5) apply; (6) publish
/// the view and tell watchers; (7) answer. While a turn waits for the disk the next batch fills, so group commit needs
/// no code of its own. Everything but the inbox, the saved snapshots' queue and the published view belongs to the loop's
/// thread. It is a thread of its own, so that a starved thread pool cannot stop it.
/// </remarks>
public sealed partial class RaftHost : IAsyncDisposable
{
    private readonly StoreOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly IDisposable _lock;
    private readonly Wal _wal;
    private readonly SnapshotFiles _snapshots;
    private readonly Replica _replica;
    private readonly Inbox _inbox = new();
    private readonly ConcurrentQueue<Action> _done = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly long _started;
    private Task _background = Task.CompletedTask;
    private TimeSpan _lastTick;
    private long _nextLeaseId;

    private RaftHost(StoreOptions options, TimeProvider time, ILogger log, OpenedData data)
    {
        _options = options;
        _time = time;
        _log = log;
        _lock = data.Lock;
        _wal = data.Wal;
        _snapshots = data.Snapshots;
        _replica = data.Replica;
        _replica.SnapshotDue = StartSnapshot;
        _replica.InstallDue = StartInstall;
        _replica.PersistDue = Persist;
        _started = time.GetTimestamp();
        _nextLeaseId = (long)(_wal.Identity.MemberId << 48) | (time.GetUtcNow().ToUnixTimeMilliseconds() << 8 & 0xffff_ffff_ffff);
        _thread = new Thread(Run) { Name = "store", IsBackground = true };
        Members =
        [
            new Member
            {
                ID = _wal.Identity.MemberId,
                Name = options.Name,
                PeerURLs = { options.EffectiveAdvertisePeerUrls },
                ClientURLs = { options.EffectiveAdvertiseClientUrls },
            },
        ];
    }

    /// <summary>Called on the loop's thread after each applied batch; must not block. Set it before the first request.</summary>
    public Action<KeyspaceView>? ViewChanged
    {
        get => _replica.ViewChanged;
        set => _replica.ViewChanged = value;
    }

    /// <summary>
    /// Ends when the loop ends; faulted when it failed, which is when the disk did. Then nothing more is answered but
    /// that the outcome is unknown, and the program must exit with 1.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>The applied state; a new object after each batch.</summary>
    public KeyspaceView View => _replica.View;

    /// <summary>Where this member stands; a new object after each batch.</summary>
    public StoreStatus Status => _replica.Status;

    /// <summary>All members.</summary>
    public ImmutableArray<Member> Members { get; }

    private TimeSpan Now => _time.GetElapsedTime(_started);

    /// <summary>
    /// Opens or makes the data directory, brings the state back to what was acknowledged, and starts the loop. When it
    /// returns, <see cref="View"/> is current and this member leads.
    /// </summary>
    /// <exception cref="StoreDataException">The directory is foreign, newer, corrupt, in use or not writable.</exception>
    public static RaftHost Open(StoreOptions options, TimeProvider time, ILoggerFactory logs) =>
        Open(options, time, logs, new FileDisk(Path.GetFullPath(options.DataDir)));

    internal static RaftHost Open(StoreOptions options, TimeProvider time, ILoggerFactory logs, IDisk disk)
    {
        ILogger log = logs.CreateLogger<RaftHost>();
        OpenedData data = OpenedData.Open(options, disk, NewInstance(), null, damage => LogSnapshotDamaged(log, damage.Message));
        if (data.Repaired is not null)
        {
            LogTornTail(log, data.Repaired);
        }

        var host = new RaftHost(options, time, log, data);
        host.Start();
        LogOpened(log, disk.Root, host.View.Revision, host.View.AppliedIndex, host.Status.Term, host.Now.TotalMilliseconds);
        return host;
    }

    /// <summary>
    /// Applies a command when it is durable. The token is heeded until the command is in the inbox; from then on an
    /// answer comes within <see cref="Limits.RequestTimeout"/>, since giving up would not undo it. The request belongs
    /// to the store once it is given.
    /// </summary>
    public ValueTask<CommandResult> ProposeAsync(Command command, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (RequestRules.Check(command, _options.MaxTxnOps) is { } refused)
        {
            return new ValueTask<CommandResult>(CommandResult.Failed(refused));
        }

        if (command.Request is LeaseGrantRequest grant)
        {
            command = command with { Request = Complete(grant) };
        }

        Proposal proposal = _replica.NewProposal(command);
        byte[] payload = proposal.Payload;
        EtcdError? tooMuch = payload.Length > _options.MaxRequestBytes ? EtcdError.RequestTooLarge
            : Grows(command) && View.LiveBytes + payload.Length > Quota ? EtcdError.NoSpace
            : null;
        if (tooMuch is not null)
        {
            return new ValueTask<CommandResult>(CommandResult.Failed(tooMuch));
        }

        Enter(proposal);
        return proposal.Answer;
    }

    /// <summary>After it returned null, <see cref="View"/> holds every write acknowledged before it was called.</summary>
    public ValueTask<EtcdError?> ReadBarrierAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (_replica.IsViewLinearizable && !_inbox.IsClosed)
        {
            return new ValueTask<EtcdError?>((EtcdError?)null);
        }

        var barrier = new ReadBarrier();
        Enter(barrier);
        return barrier.Answer;
    }

    /// <summary>Renews a lease; its TTL in seconds, or 0 when it is unknown or has ended.</summary>
    /// <exception cref="EtcdApi.Grpc.GrpcException">No leader could be asked.</exception>
    public ValueTask<long> KeepAliveAsync(long leaseId, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var renewal = new LeaseRequest(leaseId, renew: true);
        Enter(renewal);
        return renewal.Answer;
    }

    /// <summary>Seconds until a lease ends by the leader's clock; -1 when it is unknown.</summary>
    /// <exception cref="EtcdApi.Grpc.GrpcException">No leader could be asked.</exception>
    public ValueTask<long> RemainingSecondsAsync(long leaseId, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var question = new LeaseRequest(leaseId, renew: false);
        Enter(question);
        return question.Answer;
    }

    /// <summary>Takes nothing more, finishes what is under way, closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        _inbox.Close();
        // Not its outcome, which Completion tells; only that the loop touches the files no more.
        await Task.WhenAny(Completion);
        await _background;
        _wal.Dispose();
        _lock.Dispose();
    }

    private long Quota => _options.QuotaBackendBytes == 0 ? Limits.QuotaBytesDefault : _options.QuotaBackendBytes;

    private static bool Grows(in Command command) => command.Request switch
    {
        PutRequest or LeaseGrantRequest => true,
        TxnRequest txn => Puts(txn),
        _ => false,
    };

    private static bool Puts(TxnRequest txn) =>
        txn.Success.Concat(txn.Failure).Any(static op => op.RequestPut is not null || (op.RequestTxn is { } nested && Puts(nested)));

    /// <summary>The log must say what every member is to do: the id and TTL are chosen here, not at apply.</summary>
    private LeaseGrantRequest Complete(LeaseGrantRequest grant)
    {
        // etcd: one and a half election timeouts, or a lease could end during an election.
        long ttlMin = (long)Math.Ceiling(_options.ElectionTimeout.TotalSeconds * 1.5);
        long id = grant.ID == 0 ? Interlocked.Increment(ref _nextLeaseId) & long.MaxValue : grant.ID;
        return new LeaseGrantRequest { ID = id, TTL = Math.Max(grant.TTL, ttlMin) };
    }

    private static ulong NewInstance() => BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    private void Enter(Request request)
    {
        if (!_inbox.TryAdd(request))
        {
            request.Fail(_inbox.IsClosed ? EtcdError.Stopped : EtcdError.TooManyRequests);
        }
    }

    private void Start()
    {
        // In the caller's thread: whoever opens the store wants it ready, or an exception.
        try
        {
            _replica.Campaign();
            _replica.Turn(Now);
        }
        catch
        {
            _wal.Dispose();
            _lock.Dispose();
            throw;
        }

        _thread.Start();
    }

    private void Run()
    {
        try
        {
            var requests = new List<Request>();
            do
            {
                requests.Clear();
                requests = _inbox.Drain(requests, _replica.HasWork ? TimeSpan.Zero : UntilTick());
                Turn(requests);
            }
            while (!_inbox.IsClosed || requests.Count > 0 || _replica.HasWork);

            _replica.FailAll(EtcdError.Stopped);
            _completion.TrySetResult();
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Turn(List<Request> requests)
    {
        TimeSpan now = Now;
        foreach (Request request in requests)
        {
            _replica.Enter(request, now);
        }

        int behind = (int)((now - _lastTick) / _options.TickInterval);
        if (behind > 0)
        {
            _lastTick = now;
            for (int i = Math.Min(behind, Limits.TicksBehindMax); i > 0; i--)
            {
                _replica.Tick(now);
            }
        }

        while (_done.TryDequeue(out Action? done))
        {
            done();
        }

        _replica.Turn(now);
        if (_wal.NeedsSpare && _background.IsCompleted)
        {
            _background = Task.Run(PrepareSpare);
        }
    }

    private TimeSpan UntilTick()
    {
        TimeSpan left = _lastTick + _options.TickInterval - Now;
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>
    /// Something that cannot be gone on from, such as a failed fsync: those who wait learn that nobody knows what became
    /// of their request, which is the truth, and the program ends.
    /// </summary>
    private void Fail(Exception e)
    {
        LogFailed(_log, e.Message, e);
        _completion.TrySetException(e);
        _inbox.Close();
        _replica.FailAll(EtcdError.Stopped);
        foreach (Request request in _inbox.Drain([], TimeSpan.Zero))
        {
            request.Fail(EtcdError.Stopped);
        }
    }

    private void StartSnapshot(KeyspaceView view, EntryId at)
    {
        Task before = _background;
        _background = Task.Run(async () =>
        {
            await before;
            SaveSnapshot(view, at);
        });
    }

    private void Persist(PersistBatch batch)
    {
        _wal.Write(batch);
        _replica.LogBytes = _wal.BytesWritten;
        _replica.Persisted(batch);
    }

    /// <summary>Beside the loop, from a view that nobody changes: writes go on meanwhile.</summary>
    private void SaveSnapshot(KeyspaceView view, EntryId at)
    {
        SnapshotInfo? saved = null;
        long started = _time.GetTimestamp();
        try
        {
            saved = _snapshots.Save(view, at);
            LogSnapshot(_log, at.Index, view.Revision, saved.Value.Bytes, _time.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreDataException)
        {
            // Not fatal: the log still has everything. It only grows until a snapshot succeeds.
            LogSnapshotFailed(_log, e.Message, e);
        }

        EntryId oldest = _snapshots.Oldest;
        long bytes = _snapshots.DiskBytes;
        Done(() =>
        {
            if (saved is not null)
            {
                _wal.DropBefore(oldest.Index);
            }

            _replica.DataBytes = _wal.DiskBytes + bytes;
            _replica.SnapshotSaved(saved);
        });
    }

    private void StartInstall(SnapshotReceiver received)
    {
        Task before = _background;
        _background = Task.Run(async () =>
        {
            await before;
            Install(received);
        });
    }

    private void Install(SnapshotReceiver received)
    {
        (KeyspaceState State, SnapshotInfo Info)? installed = null;
        long started = _time.GetTimestamp();
        try
        {
            installed = _snapshots.Install(received);
            LogInstalled(_log, received.At.Index, installed.Value.State.Revision, received.TotalBytes, _time.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreDataException)
        {
            LogInstallFailed(_log, e.Message);
        }

        Done(() => _replica.SnapshotInstalled(received, installed));
    }

    /// <summary>Something beside the loop is done; the loop takes note of it.</summary>
    private void Done(Action note)
    {
        _done.Enqueue(note);
        _inbox.Nudge();
    }

    private void PrepareSpare()
    {
        try
        {
            _wal.PrepareSpare();
        }
        catch (IOException e)
        {
            // The loop makes the segment itself when it needs one, and fails for good if it cannot.
            LogSpareFailed(_log, e.Message);
        }
    }

    [LoggerMessage(1021, LogLevel.Information, "Store opened at {DataDir}: revision {Revision}, applied index {Index}, term {Term}, in {Milliseconds:0} ms.")]
    private static partial void LogOpened(ILogger logger, string dataDir, long revision, ulong index, ulong term, double milliseconds);

    [LoggerMessage(1022, LogLevel.Warning, "A crash had torn the end of the log, which nobody was promised: {What}.")]
    private static partial void LogTornTail(ILogger logger, string what);

    [LoggerMessage(1023, LogLevel.Error, "A snapshot cannot be used, the one before it is tried: {What}.")]
    private static partial void LogSnapshotDamaged(ILogger logger, string what);

    [LoggerMessage(1024, LogLevel.Information, "Snapshot at index {Index}, revision {Revision}: {Bytes} bytes in {Milliseconds:0} ms.")]
    private static partial void LogSnapshot(ILogger logger, ulong index, long revision, long bytes, double milliseconds);

    [LoggerMessage(1025, LogLevel.Error, "A snapshot could not be written; the log grows until one is. {What}")]
    private static partial void LogSnapshotFailed(ILogger logger, string what, Exception e);

    [LoggerMessage(1026, LogLevel.Warning, "The next log segment could not be prepared: {What}")]
    private static partial void LogSpareFailed(ILogger logger, string what);

    [LoggerMessage(1028, LogLevel.Information, "A snapshot of another member is taken over: index {Index}, revision {Revision}, {Bytes} bytes, checked and read in {Milliseconds:0} ms.")]
    private static partial void LogInstalled(ILogger logger, ulong index, long revision, long bytes, double milliseconds);

    [LoggerMessage(1029, LogLevel.Error, "A snapshot of another member cannot be used; it is fetched again. {What}")]
    private static partial void LogInstallFailed(ILogger logger, string what);

    [LoggerMessage(1027, LogLevel.Critical, "The store cannot go on: {What}. The process must end; what was acknowledged is on the disk.")]
    private static partial void LogFailed(ILogger logger, string what, Exception e);
}
