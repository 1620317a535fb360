using Discovery.Catalog;
using Discovery.EtcdApi.Grpc;
using Discovery.Proxy.Forwarding;
using Yarp.ReverseProxy.Forwarder;

namespace Discovery.Proxy;

/// <summary>The proxy, put together: two listeners, the loop, and what it tells the store.</summary>
internal sealed partial class ProxyServer : IAsyncDisposable
{
    private readonly ServiceProvider _services;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StoreClient _store;
    private readonly RouteUpdater _routes;
    private readonly AdminEndpoints _admin;
    private readonly RequestForwarder _forwarder;
    private readonly CancellationTokenSource _stop = new();
    private Listener? _adminListener;
    private Listener? _listener;
    private LeaseSession? _lease;

    private ProxyServer(ProxyOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _time = time;
        _logger = loggers.CreateLogger<ProxyServer>();
        _services = new ServiceCollection().AddSingleton(loggers).AddLogging().AddHttpForwarder().BuildServiceProvider();
        _store = new(options.Store);
        _routes = new(new CatalogFollower(_store, time, loggers.CreateLogger<CatalogFollower>()), options, time, loggers.CreateLogger<RouteUpdater>());
        var counters = new ProxyCounters();
        _admin = new(_routes, options, counters, time);
        _forwarder = new(_routes, options, _services.GetRequiredService<IHttpForwarder>(), counters, time, loggers.CreateLogger<RequestForwarder>());
    }

    /// <summary>Where requests come in.</summary>
    public IReadOnlyList<Uri> Urls => _listener!.Urls;

    /// <summary>Where the admin pages are.</summary>
    public Uri AdminUrl => _adminListener!.Urls[0];

    /// <summary>The name it announces itself under.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Ends when a loop has failed, or by <see cref="StopAsync"/>.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Starts everything.</summary>
    /// <exception cref="ListenException">An address cannot be listened on.</exception>
    public static async Task<ProxyServer> StartAsync(ProxyOptions options, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var server = new ProxyServer(options, time, loggers);
        try
        {
            // The admin pages first: they say how the rest is coming along.
            server._adminListener = await Listener.StartAsync("--admin-url", [options.AdminUrl], server._admin.HandleAsync, server._services, cancellation);
            server._listener = await Listener.StartAsync("--urls", options.Urls, server._forwarder.HandleAsync, server._services, cancellation);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        server.Follow(options, loggers);
        return server;
    }

    /// <summary>Not ready any more; finishes requests in flight (10 s at most); ends the loops; takes the own record back.</summary>
    public async Task StopAsync()
    {
        _admin.Stopping();
        _forwarder.EndUpgraded();
        await _listener!.StopAsync(Limits.Stop, _time);
        await _stop.CancelAsync();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Last: a drain elsewhere counts on this record while requests are in flight here.
        using var limit = new CancellationTokenSource(Limits.Revoke, _time);
        try
        {
            await _lease!.RevokeAsync(limit.Token);
        }
        catch (Exception e) when (e is GrpcException or OperationCanceledException)
        {
            LogNotRevoked(Limits.Lease.TotalSeconds, e.Message);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_listener is not null)
        {
            await _listener.DisposeAsync();
        }

        if (_adminListener is not null)
        {
            await _adminListener.DisposeAsync();
        }

        _forwarder.Dispose();
        _store.Dispose();
        await _services.DisposeAsync();
        _stop.Dispose();
    }

    private void Follow(ProxyOptions options, ILoggerFactory loggers)
    {
        Name = options.Name ?? $"{Environment.MachineName}-{Urls[0].Port}";
        _lease = new(_store, CatalogKeys.Proxy(Name), Limits.Lease, _time, loggers.CreateLogger<LeaseSession>());
        var self = new ProxyRecord
        {
            Name = Name,
            Address = string.Join(',', Urls.Select(static u => u.GetLeftPart(UriPartial.Authority))),
            Domain = options.Domain,
        };
        var announcer = new ProxyAnnouncer(_store, _routes, self, _lease, _time, loggers.CreateLogger<ProxyAnnouncer>());
        Completion = RunAsync(_routes.RunAsync(_stop.Token), announcer.RunAsync(_stop.Token), _lease.KeepAliveAsync(announcer.Lost, _stop.Token));
    }

    /// <summary>One that ends ends all: a proxy that no longer hears of changes must not go on as if it did.</summary>
    private async Task RunAsync(params Task[] loops)
    {
        try
        {
            await await Task.WhenAny(loops);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        finally
        {
            await _stop.CancelAsync();
            await Task.WhenAll(loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(3031, LogLevel.Warning, "The own record could not be taken back; it goes by itself within {Seconds} s: {Reason}")]
    private partial void LogNotRevoked(double seconds, string reason);
}
