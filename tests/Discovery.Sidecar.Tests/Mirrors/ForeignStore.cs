using Discovery.Testing;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>
/// A real server of somebody else's, with data that outlives its process: it can be killed, started again, wiped and suspended.
/// Its content is read and written past the code under test.
/// </summary>
internal abstract class ForeignStore : IAsyncDisposable
{
    private RunningProcess? _process;

    /// <summary>Its data and settings.</summary>
    protected TempDirectory Folder { get; } = new();

    /// <summary>Where clients reach it; the same in every life.</summary>
    public int Port { get; } = FreePort.Next();

    /// <summary>Its folder of data, deleted by a wipe.</summary>
    protected string Data => Folder["data"];

    /// <summary>Starts the server that serves this scheme.</summary>
    public static async Task<ForeignStore> ForAsync(string scheme)
    {
        ForeignStore store = scheme switch
        {
            "etcd" or "etcd2" or "skydns2" => new EtcdStore(isV2: true),
            "etcd3" or "coredns" => new EtcdStore(isV2: false),
            "consul" or "consulkv" => new ConsulStore(isKv: scheme == "consulkv"),
            "zookeeper" => new ZookeeperStore(),
            _ => throw new ArgumentOutOfRangeException(nameof(scheme), scheme, "no server for it"),
        };
        await store.StartAsync();
        return store;
    }

    /// <summary>Every key, ours and others', with its value.</summary>
    public abstract Task<SortedDictionary<string, string>> ContentAsync();

    /// <summary>Writes a key as somebody else would.</summary>
    public abstract Task WriteAsync(string key, string value);

    /// <summary>Starts it and waits until it serves.</summary>
    public async Task StartAsync()
    {
        _process = Launch();
        await Eventually.HoldsAsync(IsServingAsync, saw: () => _process.Tail, what: $"{GetType().Name} serves");
    }

    /// <summary>SIGKILL; the data stay.</summary>
    public Task KillAsync() => _process!.KillAsync();

    /// <summary>Kills it, deletes all its data, and starts it again.</summary>
    public async Task WipeAsync()
    {
        await KillAsync();
        Directory.Delete(Data, recursive: true);
        await StartAsync();
    }

    /// <summary>SIGSTOP: its sockets stay open and nobody answers.</summary>
    public void Suspend() => _process!.Suspend();

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        Folder.Dispose();
    }

    /// <summary>Starts the process.</summary>
    protected abstract RunningProcess Launch();

    /// <summary>Whether it answers.</summary>
    protected abstract Task<bool> IsServingAsync();
}
