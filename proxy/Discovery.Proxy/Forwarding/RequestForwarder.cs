using System.Net;
using Discovery.Proxy.Routing;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace Discovery.Proxy.Forwarding;

/// <summary>
/// What runs for each request: look up the route in the last table, choose a destination, let YARP forward; on a failed
/// connect choose again. Nothing here reads the store, parses a label or takes a lock.
/// </summary>
internal sealed partial class RequestForwarder : IDisposable
{
    private static readonly ForwarderRequestConfig ToInstance = new()
    {
        ActivityTimeout = Limits.Idle,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    private readonly RouteUpdater _routes;
    private readonly ProxyOptions _options;
    private readonly IHttpForwarder _forwarder;
    private readonly ProxyCounters _counters;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Random _random;
    private readonly HttpMessageInvoker _invoker;
    private readonly ForwardedHeaders _headers = new();
    private readonly CancellationTokenSource _upgraded = new();

    /// <summary>Forwards by the table that <paramref name="routes"/> publishes.</summary>
    public RequestForwarder(RouteUpdater routes, ProxyOptions options, IHttpForwarder forwarder, ProxyCounters counters, TimeProvider time, ILogger<RequestForwarder> logger)
    {
        (_routes, _options, _forwarder, _counters, _time, _logger) = (routes, options, forwarder, counters, time, logger);

        // Thread-safe without a lock, which a seeded one is not; which of two equals is chosen decides nothing.
        _random = Random.Shared;
        _invoker = new(new SocketsHttpHandler
        {
            // A proxy passes on what it gets: nothing is followed, remembered, unpacked, traced or sent through others.
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            ConnectTimeout = Limits.Connect,
            PooledConnectionIdleTimeout = Limits.IdleConnection,
            EnableMultipleHttp2Connections = true,

            // Header bytes pass unchanged; the listener reads them the same way.
            RequestHeaderEncodingSelector = static (_, _) => System.Text.Encoding.Latin1,
            ResponseHeaderEncodingSelector = static (_, _) => System.Text.Encoding.Latin1,
        });
    }

    /// <summary>Answers one request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        _counters.Begin();
        try
        {
            if ((_routes.State.Table ?? await FirstTableAsync(context)) is not { } table)
            {
                _counters.Error(RequestError.NotReady);
                await Answers.NotReadyAsync(context, _options.Store.ToString());
                return;
            }

            string host = context.Request.Host.Host;
            if (table.Find(host, context.Request.Path.Value ?? "") is var (_, cluster))
            {
                await ForwardAsync(context, cluster);
                return;
            }

            _counters.Error(RequestError.NoRoute);
            await Answers.NoRouteAsync(context, host, _options.Domain, table.Hosts.GetValueOrDefault(host));
        }
        finally
        {
            _counters.End();
        }
    }

    /// <summary>Ends upgraded connections: they have no end of their own that a stop could wait for.</summary>
    public void EndUpgraded() => _upgraded.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _invoker.Dispose();
        _upgraded.Dispose();
    }

    /// <summary>
    /// Holds what comes in between the start and the first read of the catalog, a matter of milliseconds: nobody is
    /// refused because a proxy was restarted.
    /// </summary>
    private async Task<RouteTable?> FirstTableAsync(HttpContext context)
    {
        try
        {
            await _routes.FirstTable.WaitAsync(Limits.FirstTable, _time, context.RequestAborted);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // The store is away, or the client is; what there is then is the answer.
        }

        return _routes.State.Table;
    }

    private async Task ForwardAsync(HttpContext context, Cluster cluster)
    {
        List<Destination>? tried = null;
        List<(Destination, Failure)>? failures = null;
        bool upgrade = context.Features.Get<IHttpUpgradeFeature>()?.IsUpgradableRequest == true;
        while (true)
        {
            Choice choice = cluster.Choose(_random, _time, tried);
            if (choice.Destination is not { } destination)
            {
                await NowhereAsync(context, cluster, failures);
                return;
            }

            Traffic traffic = destination.Traffic;
            traffic.Begin();
            ForwarderError error;
            try
            {
                error = await _forwarder.SendAsync(context, destination.Prefix, _invoker, ToInstance, _headers, upgrade ? _upgraded.Token : CancellationToken.None);
            }
            finally
            {
                traffic.End();
            }

            if (error == ForwarderError.None)
            {
                NoteAnswer(destination);
                return;
            }

            var failure = Failure.Of(error, context);
            Note(failure, choice, destination);
            if (failure.Error == RequestError.Client || context.Response.HasStarted)
            {
                _counters.Error(failure.Error);
                return;
            }

            (failures ??= []).Add((destination, failure));
            if (failures.Count == Limits.Attempts || !(failure.NothingSent || (failures.Count == 1 && IsRepeatable(context))))
            {
                await NowhereAsync(context, cluster, failures);
                return;
            }

            (tried ??= []).Add(destination);
            _counters.Retry();

            // The forwarder has noted its failure there, and sends no request whose answer seems to be set.
            context.Response.Clear();
            context.Features.Set<IForwarderErrorFeature>(null);
        }
    }

    /// <summary>
    /// A request without effect and body may be sent again, once, when the connection broke before the answer began: it
    /// is the rule when an instance is stopped while its connections are kept open (RFC 9110, 9.2.2).
    /// </summary>
    private static bool IsRepeatable(HttpContext context)
    {
        string method = context.Request.Method;
        return (HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method))
            && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == false
            && context.Features.Get<IForwarderErrorFeature>()?.Error == ForwarderError.Request;
    }

    private Task NowhereAsync(HttpContext context, Cluster cluster, List<(Destination Destination, Failure Failure)>? failures)
    {
        if (failures is null)
        {
            _counters.Error(RequestError.NoInstance);
            return Answers.NoInstanceAsync(context, cluster);
        }

        _counters.Error(failures[^1].Failure.Error);
        return Answers.FailedAsync(context, cluster.Service, failures);
    }

    private void Note(Failure failure, Choice choice, Destination destination)
    {
        if (failure.NothingSent)
        {
            if (destination.Traffic.Failed(choice.IsProbe, _time) is { } avoided)
            {
                LogAvoided(destination.Instance.Id, destination.Instance.Service, destination.Instance.Endpoint, failure.Text, avoided.TotalSeconds);
            }
        }
        else if (failure.Error != RequestError.Client)
        {
            // It took the connection; what it did with the request is not a matter of reaching it.
            NoteAnswer(destination);
        }
    }

    private void NoteAnswer(Destination destination)
    {
        if (destination.Traffic.Succeeded())
        {
            LogBack(destination.Instance.Id, destination.Instance.Service);
        }
    }

    [LoggerMessage(3021, LogLevel.Warning, "Instance {Instance} of {Service} at {Endpoint}: {Problem}. Others are asked for {Seconds} s")]
    private partial void LogAvoided(string instance, string service, string endpoint, string problem, double seconds);

    [LoggerMessage(3022, LogLevel.Information, "Instance {Instance} of {Service} takes connections again")]
    private partial void LogBack(string instance, string service);
}
