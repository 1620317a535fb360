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
        var headers = new ResponseHeaders(() => raft.View, () => raft.Status);
        var kv = new KvService(raft, headers);
        bool HasLeader() => raft.Status.Leader != 0;
        var admission = new Admission(raft.IsNobody, raft.IsLearner, HasLeader);
        var streams = new StreamLifetime(HasLeader, options.ElectionTimeout, time, stopping);
        var lease = new LeaseService(raft, headers, streams);
        var cluster = new ClusterService(raft, headers, time);
        var maintenance = new MaintenanceService(raft, headers, options);
        var watchSettings = new WatchSettings(time, options.WatchProgressNotifyInterval, maxMessageBytes);
        var watch = new WatchService(watches, headers, watchSettings, streams);

        _grpc = new(maxMessageBytes, logs.CreateLogger<GrpcServer>());
        kv.MapTo(_grpc, admission);
        lease.MapTo(_grpc, admission);
        cluster.MapTo(_grpc, admission);
        maintenance.MapTo(_grpc, admission);
        watch.MapTo(_grpc, admission);
        AuthService.MapTo(_grpc);
        HealthService.MapTo(_grpc);

        var gateway = new JsonGateway(maxMessageBytes, admission);
        gateway.Map(kv, lease, cluster, maintenance, watch);
        _http = new(gateway, new HealthPages(raft, time), new MetricsPage(raft, watches, options));
    }

    /// <summary>Serves one request.</summary>
    public Task ServeAsync(HttpContext context) => _grpc.TryInvoke(context) ?? _http.ServeAsync(context);
}
