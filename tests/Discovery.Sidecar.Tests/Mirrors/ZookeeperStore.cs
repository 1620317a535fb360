using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Discovery.Sidecar.Mirrors;
using Discovery.Testing;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>Debian's ZooKeeper, one server. Content is its ephemeral nodes, as the server itself lists them.</summary>
internal sealed class ZookeeperStore : ForeignStore
{
    private const string Classes = "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar";

    private ZookeeperConnection? _stranger;

    /// <inheritdoc/>
    public override async Task<SortedDictionary<string, string>> ContentAsync()
    {
        var content = new SortedDictionary<string, string>(StringComparer.Ordinal);
        ZookeeperConnection stranger = await StrangerAsync();
        foreach (string line in (await SayAsync("dump")).Split('\n').Where(static line => line.StartsWith("\t/", StringComparison.Ordinal)))
        {
            if (await stranger.GetAsync(line.Trim(), CancellationToken.None) is { } node)
            {
                content[line.Trim()] = node.Data;
            }
        }

        return content;
    }

    /// <inheritdoc/>
    public override async Task WriteAsync(string key, string value)
    {
        ZookeeperConnection stranger = await StrangerAsync();
        for (int slash = key.IndexOf('/', 1); slash > 0; slash = key.IndexOf('/', slash + 1))
        {
            if (await stranger.GetAsync(key[..slash], CancellationToken.None) is null)
            {
                await stranger.CreateAsync(key[..slash], "", isEphemeral: false, CancellationToken.None);
            }
        }

        await stranger.CreateAsync(key, value, isEphemeral: true, CancellationToken.None);
    }

    /// <summary>What ZooKeeper's own client prints for a command.</summary>
    public async Task<string> ClientAsync(params string[] command) => (await RunningProcess.RunAsync(
        "java", ["-XX:TieredStopAtLevel=1", "-cp", Classes, "org.apache.zookeeper.ZooKeeperMain", "-server", $"127.0.0.1:{Port}", .. command])).Output;

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        if (_stranger is not null)
        {
            await _stranger.DisposeAsync();
        }

        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override RunningProcess Launch()
    {
        string settings = Folder["zoo.cfg"];
        File.WriteAllLines(settings,
        [
            "tickTime=500", $"dataDir={Data}", $"clientPort={Port.ToString(CultureInfo.InvariantCulture)}", "clientPortAddress=127.0.0.1",
            "admin.enableServer=false", "4lw.commands.whitelist=*",
        ]);
        Directory.CreateDirectory(Data);
        return RunningProcess.Start("java", ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", Classes, "org.apache.zookeeper.server.ZooKeeperServerMain", settings]);
    }

    /// <inheritdoc/>
    protected override async Task<bool> IsServingAsync() =>
        // "imok" comes before the first session is taken.
        (await SayAsync("srvr")).Contains("Mode: standalone", StringComparison.Ordinal);

    private async Task<ZookeeperConnection> StrangerAsync()
    {
        if (_stranger is null or { IsBroken: true })
        {
            try
            {
                _stranger = await ZookeeperConnection.OpenAsync(
                    $"127.0.0.1:{Port}", _stranger?.Session ?? ZookeeperSession.None, TimeProvider.System, static () => { }, CancellationToken.None);
            }
            catch (MirrorException e)
            {
                throw new IOException(e.Message, e);
            }
        }

        return _stranger;
    }

    private async Task<string> SayAsync(string word)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", Port, patience.Token);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(word), patience.Token);
            using var reader = new StreamReader(client.GetStream());
            return await reader.ReadToEndAsync(patience.Token);
        }
        catch (SocketException e)
        {
            throw new IOException(e.Message, e);
        }
    }
}
