using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Registration;

/// <summary>
/// Follows the engine's events for ever and passes them on as hints. It only reads and posts, so that the engine,
/// which drops what a slow reader does not take, is never kept waiting.
/// </summary>
internal sealed partial class EngineFollower(DockerClient docker, LoopInbox inbox, TimeProvider time, ILogger<EngineFollower> logger)
{
    private long _events;

    /// <summary>Hints received since the start.</summary>
    public long Events => Interlocked.Read(ref _events);

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        TimeSpan retry = Limits.RetryMin;
        bool? isUp = null;
        while (true)
        {
            long start = time.GetTimestamp();
            try
            {
                DateTimeOffset? clock = await docker.PingAsync(cancellation);
                await foreach (EngineEvent? one in docker.WatchAsync(clock - TimeSpan.FromSeconds(1), cancellation))
                {
                    if (one is null)
                    {
                        LogConnected(docker.Endpoint);
                        isUp = true;
                        inbox.Post(new Notice.EngineUp());
                    }
                    else if (one.ContainerId is { Length: > 0 } id)
                    {
                        Interlocked.Increment(ref _events);
                        inbox.Hint(id);
                    }
                }
            }
            catch (DockerUnavailableException e)
            {
                // Said once a loss; the retries are silent.
                if (isUp != false)
                {
                    LogAway(e.Message);
                    inbox.Post(new Notice.EngineDown(e.Message));
                    isUp = false;
                }
            }

            // An engine that accepts and hangs up at once is no better than one that refuses.
            retry = time.GetElapsedTime(start) > Limits.RetryMax ? Limits.RetryMin
                : retry * 2 < Limits.RetryMax ? retry * 2
                : Limits.RetryMax;
            await Task.Delay(retry, time, cancellation);
        }
    }

    [LoggerMessage(2001, LogLevel.Information, "Following the Docker engine at {Endpoint}")]
    private partial void LogConnected(DockerEndpoint endpoint);

    [LoggerMessage(2002, LogLevel.Warning, "The Docker engine is away: {Problem}. Trying on; registrations stay")]
    private partial void LogAway(string problem);
}
