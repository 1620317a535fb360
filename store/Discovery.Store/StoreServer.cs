using Discovery.Store.Api;
using Discovery.Store.Consensus;
using Discovery.Store.Log;
using Discovery.Store.Watch;
using Microsoft.Extensions.Logging;

namespace Discovery.Store;

/// <summary>
/// A running store: what the <c>discovery</c> program hosts. It starts from the disk outwards, so that nobody is served
/// before the data is there, and stops in reverse.
/// </summary>
public sealed partial class StoreServer : IAsyncDisposable
{
    /// <summary>How long calls under way may take to end when the server stops; then they are told that it stopped.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long connections stay open after their streams were told: .NET's HttpClient drops an answer that it has
    /// received and not yet given to its reader when the connection ends behind it.
    /// </summary>
    private static readonly TimeSpan ReadTime = TimeSpan.FromMilliseconds(100);

    /// <summary>How long clients may take to hear that; then their connections are closed.</summary>
    private static readonly TimeSpan GoodbyeTime = TimeSpan.FromSeconds(2);

    private readonly WatchHub _watches;
    private readonly ClientListener _clients;
    private readonly CancellationTokenSource _stopping;
    private readonly TimeProvider _time;
    private int _disposed;

    private StoreServer(RaftHost raft, WatchHub watches, ClientListener clients, CancellationTokenSource stopping, TimeProvider time)
    {
        Raft = raft;
        _watches = watches;
        _clients = clients;
        _stopping = stopping;
        _time = time;
    }

    /// <summary>Where clients are served, with the ports that port 0 became.</summary>
    public IReadOnlyList<Uri> ClientUrls => _clients.Urls;

    /// <summary>Ends when the store can do no more; faulted when its disk failed.</summary>
    public Task Completion => Raft.Completion;

    /// <summary>The consensus inside, for who lives in the same process.</summary>
    public RaftHost Raft { get; }

    /// <summary>Whether the data directory says who the members are, so that <c>--initial-cluster</c> and its like are ignored.</summary>
    public static bool HasData(StoreOptions options)
    {
        string wal = Path.Combine(options.DataDir, Wal.Folder);
        return Directory.Exists(wal) && Directory.EnumerateFiles(wal, "*.wal").Any();
    }

    /// <summary>Replays the data and serves.</summary>
    /// <exception cref="StoreDataException">The data directory cannot be used.</exception>
    /// <exception cref="StoreStartException">A client URL cannot be listened on.</exception>
    /// <exception cref="ArgumentException">The options have problems; <see cref="StoreOptions.Validate(bool)"/> names them.</exception>
    public static async Task<StoreServer> StartAsync(
        StoreOptions options,
        TimeProvider time,
        ILoggerFactory logs,
        CancellationToken cancellation)
    {
        bool hasData = HasData(options);
        if (options.Validate(hasData) is { Count: > 0 } problems)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, problems), nameof(options));
        }

        ILogger<StoreServer> logger = logs.CreateLogger<StoreServer>();
        foreach (string warning in hasData ? [] : options.Warnings())
        {
            LogWarning(logger, warning);
        }

        // 1. The data: replayed before anyone may ask.
        RaftHost raft = RaftHost.Open(options, time, logs);
        foreach (string warning in hasData ? Bootstrap.Contradictions(options, raft.View.Members, raft.Status.MemberId) : [])
        {
            LogWarning(logger, warning);
        }

        var stopping = new CancellationTokenSource();
        WatchHub? watches = null;
        try
        {
            // 2. The watches: they follow from the first revision that a client can cause.
            watches = new WatchHub(() => raft.View);
            raft.ViewChanged += watches.OnViewChanged;

            // 3. The ports, last.
            var face = new ClientFace(raft, watches, options, time, logs, stopping.Token);
            ClientListener clients = await ClientListener.StartAsync(options.ListenClientUrls, face.ServeAsync, logs, cancellation);
            var server = new StoreServer(raft, watches, clients, stopping, time);
            LogServing(logger, options.Name, string.Join(", ", server.ClientUrls), raft.View.Revision);
            return server;
        }
        catch
        {
            if (watches is not null)
            {
                await watches.DisposeAsync();
            }

            await raft.DisposeAsync();
            stopping.Dispose();
            throw;
        }
    }

    /// <summary>Answers what is under way, tells the rest "etcdserver: server stopped", closes the data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        // Streams never end by themselves: told first.
        await _stopping.CancelAsync();
        await Task.Delay(ReadTime, _time, CancellationToken.None);
        using var goodbye = new CancellationTokenSource(DrainTime + GoodbyeTime, _time);
        Task drained = _clients.StopAsync(goodbye.Token);
        await Task.WhenAny(drained, Task.Delay(DrainTime, _time, CancellationToken.None));
        await _watches.DisposeAsync();

        // Whoever still waits for a decision is answered by this, and can hear it: the connections are still there.
        await Raft.DisposeAsync();
        await drained;
        await _clients.DisposeAsync();
        _stopping.Dispose();
    }

    [LoggerMessage(1010, LogLevel.Information, "Member {Name} serves clients on {Urls}; revision {Revision}.")]
    private static partial void LogServing(ILogger logger, string name, string urls, long revision);

    [LoggerMessage(1011, LogLevel.Warning, "{Warning}")]
    private static partial void LogWarning(ILogger logger, string warning);
}
