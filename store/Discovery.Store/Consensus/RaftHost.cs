using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using Discovery.EtcdApi;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Consensus;

/// <summary>
/// The loop of a store member. It gives <see cref="Replica"/>, which decides every order, what that has not: threads,
/// files, sockets, a clock.
/// </summary>
/// <remarks>
/// One turn: (1) drain the inbox; (2) propose all of it; (3) send; (4) write one batch, with one fdatasync; (5) apply;
/// (6) publish the view and tell watchers; (7) answer. While a batch is on its way to the disk the next one fills, so
/// group commit needs no code of its own. Everything but the inbox, the queue of what was done beside the loop, and the
/// published view belongs to the loop's thread. Loop, log and peers have threads of their own, so that a starved thread
/// pool cannot stop heartbeats.
/// </remarks>
public sealed partial class RaftHost : IAsyncDisposable
{
    private readonly StoreOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly IDisk _disk;
    private readonly Inbox _inbox = new();
    private readonly ConcurrentQueue<Action> _done = new();
    private readonly LogThread _logThread = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly long _started;
    private volatile OpenedData _data;
    private Task _background = Task.CompletedTask;
    private TimeSpan _lastWrite;
    private TimeSpan _nextSpare;
    private bool _hasSaidDiskFull;

    private RaftHost(StoreOptions options, TimeProvider time, ILogger log, IDisk disk, OpenedData data)
    {
        _options = options;
        _time = time;
        _log = log;
        _disk = disk;
        _started = time.GetTimestamp();
        _thread = new Thread(Run) { Name = "store", IsBackground = true };
        _data = data;
        Serve(data);
    }

    /// <summary>Called on the loop's thread after each applied batch; must not block. Set it before the first request.</summary>
    public Action<KeyspaceView>? ViewChanged { get; set; }

    /// <summary>
    /// Ends when the loop ends; faulted when it failed, which is when the disk did or the member was removed. Then
    /// nothing more is answered but that the outcome is unknown, and the program must exit with 1.
    /// </summary>
    public Task Completion => _completion.Task;

    /// <summary>The applied state; a new object after each batch.</summary>
    public KeyspaceView View => Replica.View;

    /// <summary>Where this member stands; a new object after each batch.</summary>
    public StoreStatus Status => Replica.Status;

    /// <summary>Whether there is no room for the log to grow: what grows the keyspace is refused here until there is.</summary>
    public bool IsDiskFull => _data.Wal is { IsDiskFull: true };

    private Replica Replica => _data.Replica;

    private TimeSpan Now => _time.GetElapsedTime(_started);

    /// <summary>
    /// Opens or makes the data directory, brings the state back to what was durable, and starts the loop. When it
    /// returns, the <see cref="View"/> of a member alone is current and it leads; others wait for a leader.
    /// </summary>
    /// <exception cref="StoreDataException">The directory is foreign, newer, corrupt, in use or not writable.</exception>
    /// <exception cref="StoreStartException">A peer URL cannot be listened on.</exception>
    public static RaftHost Open(StoreOptions options, TimeProvider time, ILoggerFactory logs) =>
        Open(options, time, logs, new FileDisk(Path.GetFullPath(options.DataDir)), hasPeers: true);

    /// <param name="options">The member's settings.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="logs">Its log.</param>
    /// <param name="disk">Its data directory.</param>
    /// <param name="hasPeers">Whether peers are listened to; a test of one member needs no port.</param>
    internal static RaftHost Open(StoreOptions options, TimeProvider time, ILoggerFactory logs, IDisk disk, bool hasPeers = false)
    {
        ILogger log = logs.CreateLogger<RaftHost>();
        OpenedData data = OpenedData.Open(options, disk, NewInstance(), null, damage => LogSnapshotDamaged(log, damage.Message));
        RaftHost? host = null;
        try
        {
            host = new RaftHost(options, time, log, disk, data);
            if (hasPeers)
            {
                host.OpenNetwork();
            }

            host.Start();
        }
        catch
        {
            _ = host?.CloseNetworkAsync();
            host?._logThread.Dispose();
            data.Dispose();
            throw;
        }

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
        if (Replica.Admit(command, IsDiskFull, out EtcdError? refused) is not { } proposal)
        {
            return new ValueTask<CommandResult>(CommandResult.Failed(refused!));
        }

        Enter(proposal);
        return proposal.Answer;
    }

    /// <summary>After it returned null, <see cref="View"/> holds every write acknowledged before it was called.</summary>
    public ValueTask<EtcdError?> ReadBarrierAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (Replica.IsViewLinearizable && !_inbox.IsClosed)
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

    /// <summary>
    /// Hands the lead over, if it has it; takes nothing more, finishes what is under way, closes connections and files.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await HandOverAsync();
        _inbox.Close();
        // Not its outcome, which Completion tells; only that the loop touches the files no more.
        await Task.WhenAny(Completion);
        await _background;
        await CloseNetworkAsync();
        _logThread.Dispose();
        _data.Dispose();
    }

    private static ulong NewInstance() => BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    private void Enter(Request request)
    {
        if (!_inbox.TryAdd(request))
        {
            request.Fail(_inbox.IsClosed ? EtcdError.Stopped : EtcdError.TooManyRequests);
        }
    }
}
