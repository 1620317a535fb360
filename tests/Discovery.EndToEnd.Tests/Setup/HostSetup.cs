using Discovery.Testing;

namespace Discovery.EndToEnd.Tests.Setup;

/// <summary>
/// One host's sidecar and proxy on a store: shared by the tests of a class. Containers get names of their own, so that
/// tests of one engine do not meet.
/// </summary>
public abstract class HostSetup(EngineFixture engine, StoreEngine storeEngine) : IAsyncLifetime
{
    private static int _containers;

    private RunningStore? _etcd;

    /// <summary>The engine's hands, with the containers of this class.</summary>
    public DockerEngine Docker { get; } = new(engine.Host);

    /// <summary>What the store is.</summary>
    public StoreEngine StoreEngine => storeEngine;

    /// <summary>The host's sidecar.</summary>
    public RunningSidecar Sidecar { get; private set; } = null!;

    /// <summary>What it registered.</summary>
    public Registry Registry { get; private set; } = null!;

    /// <summary>The proxy on the same store.</summary>
    public RunningProxy Proxy { get; private set; } = null!;

    /// <summary>A name that no other container or service of this run has.</summary>
    public static string NewName(string stem) => $"{stem}-{Environment.ProcessId}-{Interlocked.Increment(ref _containers)}";

    /// <summary>A container that asks to be routed by its name.</summary>
    public static ContainerSpec Routed(string service) => new()
    {
        Name = service,
        Environment = new Dictionary<string, string> { ["SERVICE_NAME"] = service },
    };

    /// <summary>Stops the store; what runs on it must go on.</summary>
    public Task StopStoreAsync() => _etcd is null ? Sidecar.TerminateAsync() : _etcd.StopAsync();

    /// <summary>Starts the store again on its data.</summary>
    public Task StartStoreAsync() => _etcd is null ? Sidecar.StartAgainAsync() : _etcd.StartAgainAsync();

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        try
        {
            _etcd = storeEngine == StoreEngine.Etcd ? await RunningStore.StartAsync(StoreEngine.Etcd) : null;
            Sidecar = await RunningSidecar.StartAsync(engine.Host, NewName("host"), _etcd?.Flag);
            Registry = new Registry(Sidecar.Store, Sidecar.Host);
            Proxy = await RunningProxy.StartAsync(Sidecar.Store);
        }
        catch
        {
            // The runner does not dispose of what did not come up.
            await DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await Docker.DisposeAsync();
        Registry?.Dispose();
        foreach (IAsyncDisposable? part in new IAsyncDisposable?[] { Proxy, Sidecar, _etcd })
        {
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }
}

/// <summary>The sidecar with its own store inside: how Discovery runs by default.</summary>
public sealed class BundledSetup(EngineFixture engine) : HostSetup(engine, StoreEngine.Bundled);

/// <summary>The sidecar on Debian's etcd.</summary>
public sealed class EtcdSetup(EngineFixture engine) : HostSetup(engine, StoreEngine.Etcd);
