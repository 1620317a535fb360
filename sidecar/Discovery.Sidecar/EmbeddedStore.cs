using Discovery.Catalog;
using Discovery.Catalog.Programs;
using Discovery.Store;

namespace Discovery.Sidecar;

/// <summary>The store inside this process. With its flags the only place of the sidecar that knows the store.</summary>
internal sealed class EmbeddedStore : IAsyncDisposable
{
    private readonly StoreServer _server;

    private EmbeddedStore(StoreServer server)
    {
        _server = server;
        Uri url = server.ClientUrls[0];
        string host = url.Host is "0.0.0.0" or "[::]" or "*" or "+" ? "127.0.0.1" : url.Host;
        Address = StoreAddress.Parse($"etcd://{host}:{url.Port}");
    }

    /// <summary>Where this process reaches it: through its port, as any client.</summary>
    public StoreAddress Address { get; }

    /// <summary>Ends when the store can do no more; faulted when its disk failed or its cluster will not have it.</summary>
    /// <exception cref="ProgramEndException">What the operator is to do about it (1).</exception>
    public Task Completion => CompletionAsync();

    /// <summary>Replays the data and serves.</summary>
    /// <exception cref="ProgramEndException">Bad data directory (2), or a port that is in use (1).</exception>
    public static async Task<EmbeddedStore> StartAsync(StoreOptions options, ILoggerFactory logs, CancellationToken cancellation)
    {
        try
        {
            return new(await StoreServer.StartAsync(options, TimeProvider.System, logs, cancellation));
        }
        catch (StoreDataException e)
        {
            throw new ProgramEndException(ExitCode.BadConfiguration, e.Message);
        }
        catch (StoreStartException e)
        {
            throw new ProgramEndException(ExitCode.Failed, e.Message);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task CompletionAsync()
    {
        try
        {
            await _server.Completion;
        }
        catch (MemberExpelledException e)
        {
            throw new ProgramEndException(ExitCode.Failed, e.Message);
        }
        catch (StoreDataException e)
        {
            throw new ProgramEndException(ExitCode.Failed, e.Message);
        }
        catch (IOException e)
        {
            throw new ProgramEndException(ExitCode.Failed, $"the disk of --data-dir failed: {e.Message}; what was acknowledged is on it: start again when it works");
        }
    }
}
