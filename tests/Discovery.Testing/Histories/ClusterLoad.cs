using Discovery.EtcdApi.Grpc;

namespace Discovery.Testing.Histories;

/// <summary>Clients that read and write a few keys on all members, whatever happens to these, until they are told to stop.</summary>
public sealed class ClusterLoad : IAsyncDisposable
{
    private readonly IReadOnlyList<GrpcChannel> _channels;
    private readonly IReadOnlyList<HistoryClient> _clients;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private int _writes;

    private ClusterLoad(IEnumerable<Uri> endpoints, LoadOptions options)
    {
        Options = options;
        _channels = [.. endpoints.Select(static e => new GrpcChannel(e))];
        _clients = [.. Enumerable.Range(0, options.Clients).Select(id => new HistoryClient(id, _channels, options) { Ended = Count })];
        _running = Task.WhenAll(_clients.Select(client => client.RunAsync(_stop.Token)));
    }

    /// <summary>What it was started with; the seed is worth printing.</summary>
    public LoadOptions Options { get; }

    /// <summary>Changes that were acknowledged until now.</summary>
    public int Acknowledged => Volatile.Read(ref _writes);

    /// <summary>Starts clients of these members.</summary>
    public static ClusterLoad Start(IEnumerable<Uri> endpoints, LoadOptions? options = null) => new(endpoints, options ?? new());

    /// <summary>Waits until this many more changes are acknowledged.</summary>
    public Task GoesOnAsync(int changes = 10, TimeSpan? within = null)
    {
        int goal = Acknowledged + changes;
        return Eventually.HoldsAsync(
            () => _running.IsFaulted ? throw _running.Exception! : Acknowledged >= goal,
            saw: () => $"{Acknowledged} of {goal} acknowledged; last of each client:\n{string.Join('\n', _clients.Select(static c => c.Last))}",
            within,
            what: "the load goes on");
    }

    /// <summary>Stops the clients and gives what they saw.</summary>
    public async Task<IReadOnlyList<Operation>> StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        return [.. _clients.SelectMany(static c => c.Operations)];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (GrpcChannel channel in _channels)
        {
            channel.Dispose();
        }

        _stop.Dispose();
    }

    private void Count(Operation operation)
    {
        if (operation.IsChange)
        {
            Interlocked.Increment(ref _writes);
        }
    }
}
