using System.Runtime.InteropServices;
using Discovery.Catalog.Programs;
using Discovery.Proxy;

return await Flags.RunAsync(new ProxyFlags().Command(RunAsync, HealthcheckAsync, Console.Error), args, Console.Error);

static async Task<int> RunAsync(ProxyOptions options, CancellationToken cancellation)
{
    // Both signals mean: finish what is in flight, then end.
    var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.TrySetResult();
    }

    using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using ILoggerFactory loggers = Logging(options.LogLevel);
    ILogger logger = loggers.CreateLogger("Discovery.Proxy");
    ProxyServer proxy;
    try
    {
        proxy = await ProxyServer.StartAsync(options, TimeProvider.System, loggers, cancellation);
    }
    catch (ListenException e)
    {
        await Console.Error.WriteLineAsync($"discovery-proxy: {e.Message}");
        return ExitCode.Failed;
    }

    await using (proxy)
    {
        ProxyLog.Started(logger, proxy.Name, string.Join(',', proxy.Urls), proxy.AdminUrl, options.Domain);
        if (await Task.WhenAny(stop.Task, proxy.Completion) == stop.Task)
        {
            await proxy.StopAsync();
            ProxyLog.Stopped(logger);
            return ExitCode.Ok;
        }

        ProxyLog.Failed(logger, proxy.Completion.Exception?.InnerException);
        return ExitCode.Failed;
    }
}

static Task<int> HealthcheckAsync(ProxyOptions options, CancellationToken cancellation)
{
    // The wildcard addresses are for listening; the process itself is reached by loopback.
    string host = options.AdminUrl.Host is "*" or "+" ? "127.0.0.1" : options.AdminUrl.Host;
    return SelfCheck.AskAsync("discovery-proxy", new UriBuilder("http", host, options.AdminUrl.Port, "/healthz").Uri, Console.Error, cancellation);
}

static ILoggerFactory Logging(LogLevel level) => LoggerFactory.Create(logging =>
{
    ProgramLog.Configure(logging, level);

    // Why a request was not forwarded is told by our own answers, counters and events, once and without a stack.
    logging.AddFilter("Yarp", LogLevel.None);
});

/// <summary>What the program says of itself.</summary>
internal static partial class ProxyLog
{
    [LoggerMessage(3041, LogLevel.Information, "Proxy {Name} listens at {Urls}, admin at {AdminUrl}; services are at <service>.{Domain}")]
    public static partial void Started(ILogger logger, string name, string urls, Uri adminUrl, string domain);

    [LoggerMessage(3042, LogLevel.Information, "Stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(3043, LogLevel.Critical, "The proxy ends: following the catalog failed")]
    public static partial void Failed(ILogger logger, Exception? problem);
}
