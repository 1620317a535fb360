using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Watch;

namespace Discovery.Store.Api;

/// <summary>etcd's Watch service: each call is one <see cref="WatchStream"/>.</summary>
internal sealed class WatchService(WatchHub hub, ResponseHeaders headers, WatchSettings settings, CancellationToken stopping)
{
    public void MapTo(GrpcServer grpc) => grpc.MapStreaming("/etcdserverpb.Watch/Watch", ServeAsync);

    /// <summary>Serves one stream over whatever carries it; ends with "server stopped" when the server does.</summary>
    public async Task ServeAsync(IWatchTransport transport, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopping);
        try
        {
            await new WatchStream(hub, headers, settings).RunAsync(transport, either.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            throw EtcdError.Stopped.ToException();
        }
    }

    private async Task ServeAsync(GrpcCall call)
    {
        await call.StartAsync();
        await ServeAsync(new GrpcTransport(call), call.Cancellation);
    }

    private sealed class GrpcTransport(GrpcCall call) : IWatchTransport
    {
        public ValueTask<WatchRequest?> ReadAsync(CancellationToken cancellation) => call.ReadAsync(WatchRequest.Parser, cancellation);

        public void Write(WatchResponse response) => call.Write(response);

        public ValueTask FlushAsync(CancellationToken cancellation) => call.FlushAsync(cancellation);
    }
}
