using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Discovery.Catalog;

namespace Discovery.Dashboard;

/// <summary>
/// THE loop: what the store says becomes one <see cref="FeedState"/> after another. Two tasks carry snapshots and
/// surveys into its inbox; the loop alone makes the state; circuits read it through <see cref="WatchAsync"/>.
/// </summary>
/// <remarks>
/// A circuit has no queue: it waits for "there is a newer state" and takes the newest, at most once in
/// <see cref="Limits.NoticeInterval"/>. A slow browser therefore skips states and holds nobody up.
/// </remarks>
/// <param name="follow">Snapshots of the catalog, without end.</param>
/// <param name="survey">Asks the members once.</param>
/// <param name="time">Stamps and paces.</param>
internal sealed class CatalogFeed(
    Func<CancellationToken, IAsyncEnumerable<CatalogSnapshot>> follow,
    Func<CancellationToken, Task<StoreMembers>> survey,
    TimeProvider time) : BackgroundService
{
    private readonly Channel<Func<FeedState, DateTimeOffset, FeedState>> _inbox =
        Channel.CreateBounded<Func<FeedState, DateTimeOffset, FeedState>>(Limits.FeedInbox);

    // Full means that the surveys have been asked for already.
    private readonly Channel<bool> _looked = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private volatile Published _newest = new(FeedState.Empty(time.GetUtcNow()));
    private int _watchers;

    /// <summary>The newest state, its ages counted to now.</summary>
    public FeedState Newest => _newest.State with { At = time.GetUtcNow() };

    /// <summary>
    /// The newest state at once, then each newer one, skipping those that came within
    /// <see cref="Limits.NoticeInterval"/>. The members are surveyed once at the start, and while at least one
    /// enumeration runs.
    /// </summary>
    public async IAsyncEnumerable<FeedState> WatchAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        Interlocked.Increment(ref _watchers);
        _looked.Writer.TryWrite(true);
        try
        {
            while (true)
            {
                Published shown = _newest;
                yield return shown.State;
                await Task.Delay(Limits.NoticeInterval, time, cancellation);
                await shown.Replaced.WaitAsync(cancellation);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _watchers);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        Task[] parts = [CarryCatalogAsync(ending.Token), CarrySurveysAsync(ending.Token), ReduceAsync(ending.Token)];

        // None of them ends by itself: the first that does has failed, and takes the others and the program with it.
        Task first = await Task.WhenAny(parts);
        await ending.CancelAsync();
        await Task.WhenAll(parts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stoppingToken.ThrowIfCancellationRequested();
        await first;
    }

    private async Task ReduceAsync(CancellationToken cancellation)
    {
        await foreach (Func<FeedState, DateTimeOffset, FeedState> step in _inbox.Reader.ReadAllAsync(cancellation))
        {
            FeedState next = step(_newest.State, time.GetUtcNow());
            Published before = _newest;
            _newest = new(next);
            before.Replace();
        }
    }

    private async Task CarryCatalogAsync(CancellationToken cancellation)
    {
        await foreach (CatalogSnapshot snapshot in follow(cancellation))
        {
            await _inbox.Writer.WriteAsync((state, now) => state.With(snapshot, now), cancellation);
        }
    }

    private async Task CarrySurveysAsync(CancellationToken cancellation)
    {
        while (true)
        {
            // The first does not wait for anybody: whoever opens the first page sees members and leader at once.
            StoreMembers members = await survey(cancellation);
            await _inbox.Writer.WriteAsync((state, now) => state.With(members, now), cancellation);
            await Task.Delay(Limits.SurveyInterval, time, cancellation);

            // Again and again: somebody may have looked and left since.
            while (Volatile.Read(ref _watchers) == 0)
            {
                await _looked.Reader.ReadAsync(cancellation);
            }
        }
    }

    /// <summary>A state, and the news that there is a newer one.</summary>
    private sealed class Published(FeedState state)
    {
        private readonly TaskCompletionSource _replaced = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public FeedState State { get; } = state;

        public Task Replaced => _replaced.Task;

        public void Replace() => _replaced.TrySetResult();
    }
}
