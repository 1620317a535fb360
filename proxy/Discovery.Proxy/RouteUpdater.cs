using System.Threading.Channels;
using Discovery.Catalog;
using Discovery.Proxy.Routing;

namespace Discovery.Proxy;

/// <summary>What the request path and the admin pages see; immutable, swapped whole.</summary>
/// <param name="Table">Null until the catalog was read once; after that never null again.</param>
/// <param name="AppliedRevision">Up to which revision of the store the table is complete.</param>
/// <param name="Connected">Whether the store answers.</param>
/// <param name="Problem">Why it does not.</param>
/// <param name="Since">Since when it answers, or does not.</param>
internal sealed record RouterState(RouteTable? Table, long AppliedRevision, bool Connected, string? Problem, DateTimeOffset? Since);

/// <summary>
/// THE loop: catalog → route table → published. The first change is applied at once, those that follow within 25 ms
/// together. While the store is away the table stays.
/// </summary>
/// <remarks>The loop alone writes <see cref="State"/>; anyone may read it.</remarks>
internal sealed partial class RouteUpdater(CatalogFollower catalog, ProxyOptions options, TimeProvider time, ILogger<RouteUpdater> logger)
{
    // Room for one: only the latest snapshot matters, each holds all that those before it held.
    private readonly Channel<CatalogSnapshot> _latest = Channel.CreateBounded<CatalogSnapshot>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true, SingleWriter = true });

    private readonly Channel<bool> _applied = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true, SingleWriter = true });

    private readonly TaskCompletionSource _firstTable = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RouterState _state = new(null, 0, false, null, null);

    /// <summary>The last state published.</summary>
    public RouterState State => Volatile.Read(ref _state);

    /// <summary>Ends when there is a table; from then on there always is.</summary>
    public Task FirstTable => _firstTable.Task;

    /// <summary>Holds an item after a state was published; for one reader.</summary>
    public ChannelReader<bool> Applied => _applied.Reader;

    /// <summary>Follows the catalog until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] both = [ReadAsync(together.Token), ApplyAsync(together.Token)];
        try
        {
            await await Task.WhenAny(both);
        }
        finally
        {
            await together.CancelAsync();
            await Task.WhenAll(both).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ReadAsync(CancellationToken cancellation)
    {
        await foreach (CatalogSnapshot snapshot in catalog.FollowAsync(cancellation))
        {
            _latest.Writer.TryWrite(snapshot);
        }
    }

    private async Task ApplyAsync(CancellationToken cancellation)
    {
        await foreach (CatalogSnapshot snapshot in _latest.Reader.ReadAllAsync(cancellation))
        {
            Apply(snapshot);
            _applied.Writer.TryWrite(true);
            await Task.Delay(Limits.Coalesce, time, cancellation);
        }
    }

    private void Apply(CatalogSnapshot snapshot)
    {
        RouterState before = _state;

        // Revision 0 says that the content is not known to be complete: what was applied before stays.
        RouteTable? table = snapshot.Revision == 0 ? before.Table : (before.Table ?? RouteTable.Empty(options.Domain)).Next(snapshot);
        long revision = snapshot.Revision == 0 ? before.AppliedRevision : snapshot.Revision;
        Volatile.Write(ref _state, new(table, revision, snapshot.Connected, snapshot.Problem, snapshot.Since));

        if (table is not null)
        {
            _firstTable.TrySetResult();
        }

        // Of a store that goes away later the follower tells.
        if (table is null && before.Problem is null && snapshot.Problem is { } problem)
        {
            LogWaiting(options.Store, problem);
        }
        else if (before.Table is null && table is not null)
        {
            LogFirstTable(table.Routes.Count(), revision);
        }

        if (table is not null && !ReferenceEquals(table.Hosts, before.Table?.Hosts) && logger.IsEnabled(LogLevel.Warning))
        {
            foreach (RouteProblem problemOf in table.Problems.Except(before.Table?.Problems ?? []).Take(Limits.Listed))
            {
                LogProblem(problemOf);
            }
        }
    }

    [LoggerMessage(3001, LogLevel.Warning, "The store at {Store} does not answer: {Problem}. Requests get 503 until it does; trying on")]
    private partial void LogWaiting(StoreAddress store, string problem);

    [LoggerMessage(3002, LogLevel.Information, "Routing {Routes} routes as of revision {Revision}")]
    private partial void LogFirstTable(int routes, long revision);

    [LoggerMessage(3003, LogLevel.Warning, "Not routed: {Problem}")]
    private partial void LogProblem(RouteProblem problem);
}
