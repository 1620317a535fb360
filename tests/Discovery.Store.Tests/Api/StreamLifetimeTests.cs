using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.Store.Api;
using Discovery.Testing;

namespace Discovery.Store.Tests.Api;

public sealed class StreamLifetimeTests : IDisposable
{
    private static readonly TimeSpan Election = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _time = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly StreamLifetime _streams;
    private bool _hasLeader = true;

    public StreamLifetimeTests() => _streams = new StreamLifetime(() => _hasLeader, Election, _time, _stopping.Token);

    public void Dispose() => _stopping.Dispose();

    [Fact]
    public async Task Stream_that_wants_a_leader_ends_after_three_election_timeouts_without()
    {
        Task wants = Endless(wantsLeader: true);
        Task indifferent = Endless(wantsLeader: false);
        _hasLeader = false;

        _time.Advance(2 * Election);
        Assert.False(wants.IsCompleted);
        _time.Advance(Election);

        await EndsAsync(EtcdError.NoLeader, wants);
        Assert.False(indifferent.IsCompleted);
    }

    [Fact]
    public async Task Leader_in_between_counts_from_the_beginning()
    {
        Task stream = Endless(wantsLeader: true);
        _hasLeader = false;
        _time.Advance(2 * Election);
        _hasLeader = true;
        _time.Advance(Election);
        _hasLeader = false;

        _time.Advance(2 * Election);
        Assert.False(stream.IsCompleted);
        _time.Advance(Election);
        await EndsAsync(EtcdError.NoLeader, stream);
    }

    [Fact]
    public async Task Stream_after_a_time_without_leader_lives_on()
    {
        _hasLeader = false;
        _time.Advance(3 * Election);
        _hasLeader = true;

        Task stream = Endless(wantsLeader: true);
        _time.Advance(10 * Election);

        Assert.False(stream.IsCompleted);
        await _stopping.CancelAsync();
        await EndsAsync(EtcdError.Stopped, stream);
    }

    [Fact]
    public async Task Server_that_stops_ends_every_stream_and_looks_no_more()
    {
        Task stream = Endless(wantsLeader: false);

        await _stopping.CancelAsync();

        await EndsAsync(EtcdError.Stopped, stream);
        Assert.Equal(0, _time.TimersWaiting);
    }

    [Fact]
    public async Task Client_that_leaves_is_told_nothing()
    {
        using var client = new CancellationTokenSource();
        Task stream = _streams.RunAsync(true, Forever, client.Token);

        await client.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream);
    }

    private Task Endless(bool wantsLeader) => _streams.RunAsync(wantsLeader, Forever, CancellationToken.None);

    private static Task Forever(CancellationToken cancellation) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);

    private static async Task EndsAsync(EtcdError wanted, Task stream)
    {
        var e = await Assert.ThrowsAsync<GrpcException>(() => stream);
        Assert.True(wanted.Is(e), e.Message);
    }
}
