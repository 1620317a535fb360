using System.Net;
using System.Net.Sockets;
using Discovery.EtcdApi.Grpc;
using Discovery.Testing;

namespace Discovery.Store.Tests.Api;

/// <summary>Debian's etcd in a folder of its own, the oracle of what the right answer is.</summary>
public sealed class RealEtcd : IAsyncDisposable
{
    private readonly ToolProcess _process;
    private readonly string _folder;

    private RealEtcd(ToolProcess process, string folder, Uri url)
    {
        _process = process;
        _folder = folder;
        Url = url;
        Channel = new(url);
    }

    public Uri Url { get; }

    public GrpcChannel Channel { get; }

    public static async Task<RealEtcd> StartAsync()
    {
        string folder = Directory.CreateTempSubdirectory("discovery-etcd-").FullName;
        (string client, string peer) = ($"http://127.0.0.1:{FreePort()}", $"http://127.0.0.1:{FreePort()}");
        var etcd = new RealEtcd(
            ToolProcess.Start(
                "etcd", "--data-dir", folder, "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
                "--initial-advertise-peer-urls", peer, "--initial-cluster", $"default={peer}", "--log-level", "error"),
            folder,
            new Uri(client));
        using var http = new HttpClient();
        await Eventually.HoldsAsync(
            async () => (await http.GetStringAsync(new Uri(etcd.Url, "/health"))).Contains("true", StringComparison.Ordinal),
            () => etcd._process.Output);
        return etcd;
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
