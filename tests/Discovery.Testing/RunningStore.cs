using Discovery.Catalog;

namespace Discovery.Testing;

/// <summary>The two engines that the catalog runs on.</summary>
public enum StoreEngine
{
    /// <summary>Ours: <c>discovery store</c>.</summary>
    Bundled,

    /// <summary>Debian's etcd.</summary>
    Etcd,
}

/// <summary>A store of one member as a process of its own, on free ports and a temporary folder. It can be killed and started again.</summary>
public sealed class RunningStore : IAsyncDisposable
{
    private readonly TempDirectory _data = new();
    private readonly StoreEngine _engine;
    private readonly string _peerUrl;
    private RunningProcess? _process;

    private RunningStore(StoreEngine engine)
    {
        _engine = engine;
        Url = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        _peerUrl = $"http://127.0.0.1:{FreePort.Next()}";
    }

    /// <summary>Where clients reach it.</summary>
    public Uri Url { get; }

    /// <summary>The same as the programs' <c>--store</c> wants it.</summary>
    public string Flag => $"etcd://{Url.Authority}";

    /// <summary>What it printed last.</summary>
    public string Tail => _process?.Tail ?? "not started";

    /// <summary>Starts one and waits until it answers.</summary>
    public static async Task<RunningStore> StartAsync(StoreEngine engine)
    {
        var store = new RunningStore(engine);
        try
        {
            await store.StartAgainAsync();
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client of it.</summary>
    public StoreClient NewClient() => new(StoreAddress.Parse(Flag));

    /// <summary>Ends it in order.</summary>
    public Task StopAsync() => _process!.TerminateAsync();

    /// <summary>Ends it as a power cut would.</summary>
    public Task KillAsync() => _process!.KillAsync();

    /// <summary>Starts it on the data that it left.</summary>
    public async Task StartAgainAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        IEnumerable<string> flags =
        [
            "--name", "m1",
            "--data-dir", _data["data"],
            "--listen-client-urls", Url.OriginalString,
            "--advertise-client-urls", Url.OriginalString,
            "--listen-peer-urls", _peerUrl,
            "--initial-advertise-peer-urls", _peerUrl,
            "--initial-cluster", $"m1={_peerUrl}",
        ];
        _process = _engine == StoreEngine.Etcd
            ? RunningProcess.Start("etcd", flags)
            : RunningProcess.Start(Programs.Discovery, flags.Prepend("store"));
        await WebProbe.AnswersAsync(new Uri(Url, "/health"), _process);
    }

    /// <summary>Deletes its data while it is stopped: it comes back as another store at the same address.</summary>
    public void Wipe() => Directory.Delete(_data["data"], recursive: true);

    /// <summary>Stops it and deletes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _data.Dispose();
    }
}
