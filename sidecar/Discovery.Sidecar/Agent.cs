using System.Runtime.InteropServices;
using Discovery.Catalog;
using Discovery.Catalog.Programs;
using Discovery.Sidecar.Admin;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.DropIn;
using Discovery.Sidecar.Mirrors;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar;

/// <summary>The life of the program: what starts in which order, what ends it, and with which code.</summary>
internal static partial class Agent
{
    /// <summary>How long the engine may take to tell the host's name to a store that wants to start.</summary>
    private static readonly TimeSpan NamePatience = TimeSpan.FromSeconds(2);

    /// <summary>The host agent: the store first when it lives here, then the admin pages, then the loop.</summary>
    /// <param name="options">The agent's settings.</param>
    /// <param name="endpoint">The engine.</param>
    /// <param name="adminUrl">Where the admin pages are.</param>
    /// <param name="startStore">Starts the embedded store for a host of this name; null for an external one.</param>
    /// <param name="external">The external store; null when there is none.</param>
    /// <param name="level">From which level on events are logged.</param>
    public static async Task<int> RunAsync(
        SidecarOptions options,
        DockerEndpoint endpoint,
        Uri adminUrl,
        Func<string, ILoggerFactory, Task<EmbeddedStore>>? startStore,
        StoreAddress? external,
        LogLevel level)
    {
        using var stop = new StopSignals();
        using ILoggerFactory logs = Logging(level);
        ILogger logger = logs.CreateLogger("Discovery.Sidecar");
        using var docker = new DockerClient(endpoint) { KeepsInspected = options.DropIn?.Tags is not null };
        await using EmbeddedStore? hosted = startStore is null
            ? null
            : await startStore(options.Host ?? await HostNameAsync(docker, stop.Token), logs);
        using StoreClient? store = (hosted?.Address ?? external) is { } address ? new StoreClient(address) : null;
        if (options.DropIn is { RetryAttempts: { } attempts } dropIn)
        {
            await AwaitRegistryAsync(dropIn, attempts, logs, stop.Token);
        }

        await using var loop = new RegistrationLoop(docker, store, options, TimeProvider.System, logs);
        await using AdminServer admin = await StartAdminAsync(adminUrl, loop, logs, stop.Token);
        object where = store is null ? $"no store, registrations go to {options.DropIn!.Registry}" : hosted is null ? $"store at {store.Address}" : $"store at {store.Address} (embedded)";
        LogStarted(logger, options.Version, where, adminUrl);
        return await EndAsync(loop.RunAsync(stop.Token), hosted?.Completion, stop, logger);
    }

    /// <summary>The store alone.</summary>
    public static async Task<int> RunStoreAsync(Func<ILoggerFactory, Task<EmbeddedStore>> start, LogLevel level)
    {
        using var stop = new StopSignals();
        using ILoggerFactory logs = Logging(level);
        await using EmbeddedStore store = await start(logs);
        return await EndAsync(Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop.Token), store.Completion, stop, logs.CreateLogger("Discovery.Store"));
    }

    /// <summary>Waits for what ends the program: 0 when it was told to, 1 when a part of it failed.</summary>
    private static async Task<int> EndAsync(Task main, Task? store, StopSignals stop, ILogger logger)
    {
        Task first = await Task.WhenAny(store is null ? [main] : [main, store]);
        if (first == main)
        {
            try
            {
                await main;
            }
            catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
            {
                // Stopped as asked.
            }
            catch (HostNameTakenException e)
            {
                throw new ProgramEndException(ExitCode.Failed, e.Message);
            }
        }

        if (stop.Token.IsCancellationRequested)
        {
            LogStopped(logger);
            return ExitCode.Ok;
        }

        if (first.Exception?.InnerException is not ProgramEndException)
        {
            LogFailed(logger, first.Exception?.InnerException);
        }

        stop.Cancel();
        await main.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return first.Exception?.InnerException is ProgramEndException end ? throw end : ExitCode.Failed;
    }

    /// <summary>registrator's way: a registry that is away at the start ends the program, for whoever starts it to try again.</summary>
    private static async Task AwaitRegistryAsync(DropInOptions options, int attempts, ILoggerFactory logs, CancellationToken cancellation)
    {
        await using var probe = new Mirror(options.Registry, new MirrorOptions { Host = "" }, TimeProvider.System, logs);
        string? problem;
        while ((problem = await probe.PingAsync(cancellation)) is not null && attempts-- > 0)
        {
            await Task.Delay(options.RetryInterval, TimeProvider.System, cancellation);
        }

        if (problem is not null)
        {
            throw new ProgramEndException(ExitCode.Failed, $"{options.Registry}: {problem}; -retry-attempts is over (-1 tries for ever)");
        }
    }

    private static async Task<AdminServer> StartAdminAsync(Uri url, RegistrationLoop loop, ILoggerFactory logs, CancellationToken cancellation)
    {
        try
        {
            return await AdminServer.StartAsync(url, loop, TimeProvider.System, logs, cancellation);
        }
        catch (IOException e)
        {
            throw new ProgramEndException(ExitCode.Failed, e.Message);
        }
    }

    /// <summary>What to call the store's member: the engine's name for this host, unless the engine is away.</summary>
    private static async Task<string> HostNameAsync(DockerClient docker, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(NamePatience);
        try
        {
            await docker.PingAsync(patience.Token);
            string? name = (await docker.InfoAsync(patience.Token)).Name;
            return name is not null && HostIdentity.IsName(name) ? name : Environment.MachineName;
        }
        catch (Exception e) when (e is DockerUnavailableException or OperationCanceledException)
        {
            return Environment.MachineName;
        }
    }

    private static ILoggerFactory Logging(LogLevel level) => LoggerFactory.Create(logging =>
    {
        ProgramLog.Configure(logging, level);

        // It warns of cleartext HTTP/2, which the store's port tells apart itself.
        logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.Error);

        // A port in use is told by us, in one line.
        logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
    });

    /// <summary>SIGTERM and SIGINT as a token.</summary>
    private sealed class StopSignals : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly PosixSignalRegistration[] _signals;

        public StopSignals() => _signals =
            [PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop), PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop)];

        public CancellationToken Token => _stop.Token;

        public void Cancel() => _stop.Cancel();

        public void Dispose()
        {
            foreach (PosixSignalRegistration signal in _signals)
            {
                signal.Dispose();
            }

            _stop.Dispose();
        }

        private void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _stop.Cancel();
        }
    }

    [LoggerMessage(2031, LogLevel.Information, "discovery {Version}: {Store}, admin at {Admin}")]
    private static partial void LogStarted(ILogger logger, string version, object store, Uri admin);

    [LoggerMessage(2032, LogLevel.Information, "Stopped")]
    private static partial void LogStopped(ILogger logger);

    [LoggerMessage(2033, LogLevel.Critical, "A part of the program failed; it ends")]
    private static partial void LogFailed(ILogger logger, Exception? problem);
}
