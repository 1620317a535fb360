using Discovery.EtcdApi.Grpc;
using Discovery.Store.Api;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Store.Tests.Grpc;

/// <summary>A gRPC server of a test's own methods on the store's listener, and clients of it.</summary>
internal sealed class GrpcHost : IAsyncDisposable
{
    private readonly ClientListener _listener;

    private GrpcHost(ClientListener listener)
    {
        _listener = listener;
        Channel = new(listener.Urls[0]);
    }

    public GrpcChannel Channel { get; }

    /// <summary>For requests that our own client would not make.</summary>
    public HttpClient Http { get; } = new();

    public static async Task<GrpcHost> StartAsync(int maxBytes, Action<GrpcServer> map)
    {
        var grpc = new GrpcServer(maxBytes, NullLogger<GrpcServer>.Instance);
        map(grpc);
        return new(await ClientListener.StartAsync(
            ["http://127.0.0.1:0"],
            context => grpc.TryInvoke(context) ?? Task.CompletedTask,
            NullLoggerFactory.Instance,
            CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        Http.Dispose();
        await _listener.DisposeAsync();
    }
}
