using System.Threading.Channels;
using Discovery.Catalog;
using Discovery.Testing;

namespace Discovery.Dashboard.Tests;

public sealed class CatalogFeedTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly Channel<CatalogSnapshot> _snapshots = Channel.CreateUnbounded<CatalogSnapshot>();
    private readonly CatalogFeed _feed;
    private int _surveys;

    public CatalogFeedTests() => _feed = new(
        _snapshots.Reader.ReadAllAsync,
        _ =>
        {
            Interlocked.Increment(ref _surveys);
            return Task.FromResult(new StoreMembers { AskedAt = _time.GetUtcNow() });
        },
        _time);

    public async ValueTask DisposeAsync()
    {
        await _feed.StopAsync(CancellationToken.None);
        _feed.Dispose();
    }

    [Fact]
    public async Task A_burst_of_changes_is_one_notice_with_the_latest()
    {
        await _feed.StartAsync(CancellationToken.None);
        await using IAsyncEnumerator<FeedState> circuit = _feed.WatchAsync(CancellationToken.None).GetAsyncEnumerator();
        Assert.True(await circuit.MoveNextAsync());
        Task<bool> next = circuit.MoveNextAsync().AsTask();

        for (int revision = 1; revision <= 500; revision++)
        {
            await _snapshots.Writer.WriteAsync(Revision(revision));
        }

        await Eventually.HoldsAsync(() => _feed.Newest.Catalog.Revision == 500, () => _feed.Newest.Catalog.Revision);
        Assert.False(next.IsCompleted);
        _time.Advance(Limits.NoticeInterval);

        Assert.True(await next);
        Assert.Equal(500, circuit.Current.Catalog.Revision);
    }

    [Fact]
    public async Task After_a_quiet_time_a_change_is_told_at_once()
    {
        await _feed.StartAsync(CancellationToken.None);
        await SurveyedAsync();
        await using IAsyncEnumerator<FeedState> circuit = _feed.WatchAsync(CancellationToken.None).GetAsyncEnumerator();
        await circuit.MoveNextAsync();
        Task<bool> next = circuit.MoveNextAsync().AsTask();
        _time.Advance(Limits.NoticeInterval);

        await _snapshots.Writer.WriteAsync(Revision(9));

        Assert.True(await next.WaitAsync(Eventually.Patience));
        Assert.Equal(9, circuit.Current.Catalog.Revision);
    }

    [Fact]
    public async Task A_circuit_that_does_not_look_holds_nobody_up()
    {
        await _feed.StartAsync(CancellationToken.None);
        await using IAsyncEnumerator<FeedState> idle = _feed.WatchAsync(CancellationToken.None).GetAsyncEnumerator();
        await idle.MoveNextAsync();

        for (int revision = 1; revision <= 10 * Limits.FeedInbox; revision++)
        {
            await _snapshots.Writer.WriteAsync(Revision(revision));
        }

        await Eventually.HoldsAsync(() => _feed.Newest.Catalog.Revision == 10 * Limits.FeedInbox, () => _feed.Newest.Catalog.Revision);
    }

    [Fact]
    public async Task Members_are_asked_at_the_start_and_while_somebody_looks()
    {
        await _feed.StartAsync(CancellationToken.None);
        await SurveyedAsync();
        await Eventually.HoldsAsync(() => _time.TimersWaiting == 1);
        _time.Advance(Limits.SurveyInterval);
        await Eventually.HoldsAsync(() => _time.TimersWaiting == 0);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, _surveys);

        using var gone = new CancellationTokenSource();
        IAsyncEnumerator<FeedState> circuit = _feed.WatchAsync(gone.Token).GetAsyncEnumerator();
        await circuit.MoveNextAsync();
        await Eventually.HoldsAsync(() => _surveys == 2 && _time.TimersWaiting == 1, () => (_surveys, _time.TimersWaiting));
        _time.Advance(Limits.SurveyInterval);
        await Eventually.HoldsAsync(() => _surveys == 3, () => _surveys);
        await circuit.DisposeAsync();

        await Eventually.HoldsAsync(() => _time.TimersWaiting == 1);
        _time.Advance(Limits.SurveyInterval);
        await Eventually.HoldsAsync(() => _time.TimersWaiting == 0, () => _time.TimersWaiting);
        Assert.Equal(3, _surveys);
    }

    [Fact]
    public async Task A_source_that_fails_ends_the_loop_with_its_failure()
    {
        await _feed.StartAsync(CancellationToken.None);

        _snapshots.Writer.Complete(new InvalidDataException("broken"));

        await Assert.ThrowsAsync<InvalidDataException>(() => _feed.ExecuteTask!.WaitAsync(Eventually.Patience));
    }

    private static CatalogSnapshot Revision(long revision) => new() { Revision = revision, Connected = true };

    private Task SurveyedAsync() => Eventually.HoldsAsync(() => _feed.Newest.Members.AskedAt is not null);
}
