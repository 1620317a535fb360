using Discovery.EtcdApi.Grpc;
using Discovery.Store.Consensus;
using Discovery.Store.Watch;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Api;

/// <summary>Everything that is served on a client URL: gRPC, and for all other requests the gateway and the plain pages.</summary>
internal sealed class ClientFace
{
    private readonly GrpcServer _grpc;
    private readonly HttpFace _http;

    public ClientFace(
        RaftHost raft,
        WatchHub watches,
        StoreOptions options,
        TimeProvider time,
        ILoggerFactory logs,
        CancellationToken stopping)
    {
        int maxMessageBytes = options.MaxRequestBytes + WatchLimits.GrpcOverheadBytes;
        var headers = new ResponseHeaders(raft);
        var kv = new KvService(raft, headers);
        var lease = new LeaseService(raft, headers, stopping);
        var cluster = new ClusterService(raft, headers);
        var maintenance = new MaintenanceService(raft, headers, options);
        var watchSettings = new WatchSettings(time, options.WatchProgressNotifyInterval, maxMessageBytes);
        var watch = new WatchService(watches, headers, watchSettings, stopping);

        _grpc = new(maxMessageBytes, logs.CreateLogger<GrpcServer>());
        kv.MapTo(_grpc);
        lease.MapTo(_grpc);
        cluster.MapTo(_grpc);
        maintenance.MapTo(_grpc);
        watch.MapTo(_grpc);
        AuthService.MapTo(_grpc);
        HealthService.MapTo(_grpc);

        var gateway = new JsonGateway(maxMessageBytes);
        gateway.Map(kv, lease, cluster, maintenance, watch);
        _http = new(gateway, new HealthPages(raft, time), new MetricsPage(raft, watches, options));
    }

    /// <summary>Serves one request.</summary>
    public Task ServeAsync(HttpContext context) => _grpc.TryInvoke(context) ?? _http.ServeAsync(context);
}
