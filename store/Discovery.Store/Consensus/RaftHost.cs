using System.Collections.Immutable;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Consensus;

/// <summary>First form, in memory: the surface that the faces are built on.</summary>
public sealed class RaftHost : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly KeyspaceState _keyspace = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StoreOptions _options;
    private ulong _index;
    private volatile KeyspaceView _view;

    private RaftHost(StoreOptions options)
    {
        _options = options;
        _view = _keyspace.Publish();
    }

    /// <summary>Called on the loop's thread after each applied batch; must not block.</summary>
    public Action<KeyspaceView>? ViewChanged { get; set; }

    /// <summary>Ends when the loop ends; faulted when the disk failed.</summary>
    public Task Completion => _completion.Task;

    /// <summary>The applied state.</summary>
    public KeyspaceView View => _view;

    /// <summary>Where this member stands.</summary>
    public StoreStatus Status => new(1, 1, 1, 1, _index, _index, 0);

    /// <summary>All members.</summary>
    public ImmutableArray<Member> Members => [new Member { ID = 1, Name = _options.Name }];

    /// <summary>Opens the data directory, replays it and starts the loop.</summary>
    public static RaftHost Open(StoreOptions options, TimeProvider time, ILoggerFactory logs) => new(options);

    /// <summary>Applies a command and answers when it is durable.</summary>
    public ValueTask<CommandResult> ProposeAsync(Command command, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (command.Request is LeaseGrantRequest { ID: 0 } grant)
            {
                grant.ID = (long)_index + 1000;
            }

            CommandResult result = _keyspace.Apply(++_index, command);
            _view = _keyspace.Publish();
            ViewChanged?.Invoke(_view);
            return ValueTask.FromResult(result);
        }
    }

    /// <summary>After it returns null, <see cref="View"/> holds everything that was committed when it was called.</summary>
    public ValueTask<EtcdError?> ReadBarrierAsync(CancellationToken cancellation) => new(_view is null ? EtcdError.Stopped : null);

    /// <summary>Renews a lease; its TTL in seconds, or 0 when it is unknown or has ended.</summary>
    public ValueTask<long> KeepAliveAsync(long leaseId, CancellationToken cancellation) =>
        new(_view.TryGetLease(leaseId, out LeaseView? lease) ? lease.GrantedTtl : 0);

    /// <summary>Seconds until a lease ends; -1 when it is unknown.</summary>
    public long RemainingSeconds(long leaseId) => _view.TryGetLease(leaseId, out LeaseView? lease) ? lease.GrantedTtl : -1;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _completion.TrySetResult();
        return ValueTask.CompletedTask;
    }
}
