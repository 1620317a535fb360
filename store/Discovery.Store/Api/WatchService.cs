using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Watch;

namespace Discovery.Store.Api;

/// <summary>etcd's Watch service: each call is one <see cref="WatchStream"/>.</summary>
internal sealed class WatchService(WatchHub hub, ResponseHeaders headers, WatchSettings settings, StreamLifetime streams)
{
    public void MapTo(GrpcServer grpc, Admission admission) =>
        admission.MapStreaming(grpc, "/etcdserverpb.Watch/Watch", async (call, wantsLeader) =>
        {
            await call.StartAsync();
            await ServeAsync(new GrpcTransport(call), wantsLeader, call.Cancellation);
        });

    /// <summary>Serves one stream over whatever carries it; ends with "server stopped" when the server does.</summary>
    public Task ServeAsync(IWatchTransport transport, bool wantsLeader, CancellationToken client) =>
        streams.RunAsync(wantsLeader, cancellation => new WatchStream(hub, headers, settings).RunAsync(transport, cancellation), client);

    private sealed class GrpcTransport(GrpcCall call) : IWatchTransport
    {
        public ValueTask<WatchRequest?> ReadAsync(CancellationToken cancellation) => call.ReadAsync(WatchRequest.Parser, cancellation);

        public void Write(WatchResponse response) => call.Write(response);

        public ValueTask FlushAsync(CancellationToken cancellation) => call.FlushAsync(cancellation);
    }
}
