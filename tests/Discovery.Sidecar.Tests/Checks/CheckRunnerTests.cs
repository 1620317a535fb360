using System.Collections.Concurrent;
using System.Collections.Immutable;
using Discovery.Catalog;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;
using Discovery.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Sidecar.Tests.Checks;

/// <summary>The loop with real sockets and a clock that the test moves.</summary>
public sealed class CheckRunnerTests : IAsyncLifetime
{
    private static readonly CheckSpec Ttl = new() { Name = "ttl", Type = CheckType.Ttl, Ttl = TimeSpan.FromSeconds(30) };

    private readonly ManualTimeProvider _clock = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<CheckChange> _changes = new();
    private readonly DockerClient _docker = new(DockerEndpoint.Parse("unix:///nowhere/docker.sock"));
    private readonly CheckRunner _runner;
    private Task _running = Task.CompletedTask;

    public CheckRunnerTests() => _runner = new(new(_docker), _changes.Enqueue, _clock, new Random(7), NullLogger<CheckRunner>.Instance);

    public Task InitializeAsync()
    {
        _running = _runner.RunAsync(_stop.Token);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _runner.Dispose();
        _docker.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task Change_is_told_once_and_steady_results_are_not()
    {
        await using var peer = OddPeer.Silent();
        _runner.Set("c1", null, [Tcp(peer.Port)]);

        await RunUntilAsync(async () => (await ReportAsync("c1")).History.Length >= 20);

        CheckChange change = Assert.Single(_changes);
        Assert.Equal(("c1", "tcp", Health.Passing), (change.ContainerId, change.Check.Name, change.Check.Status));
        Assert.Equal(0, peer.Open);
    }

    [Fact]
    public async Task Container_that_stops_answering_becomes_critical_and_comes_back()
    {
        var peer = OddPeer.Silent();
        _runner.Set("c1", null, [Tcp(peer.Port)]);
        await RunUntilAsync(async () => (await ReportAsync("c1")).Check.Status == Health.Passing);

        await peer.DisposeAsync();
        await RunUntilAsync(async () => (await ReportAsync("c1")).Check.Status == Health.Critical);

        Assert.Equal([Health.Passing, Health.Critical], _changes.Select(static c => c.Check.Status));
        Assert.Contains("refused", (await ReportAsync("c1")).LastFailure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hundred_containers_that_hang_hold_up_none_that_answers()
    {
        await using var silent = OddPeer.Silent();
        for (int i = 0; i < 100; i++)
        {
            _runner.Set($"hung{i}", null, [Tcp(silent.Port) with { Name = "http", Type = CheckType.Http, Path = "/", Timeout = TimeSpan.FromMinutes(5) }]);
        }

        _runner.Set("well", null, [Tcp(silent.Port)]);
        await RunUntilAsync(async () => (await ReportAsync("well")).History.Length >= 5);
        await RunUntilAsync(() => Task.FromResult(silent.Open == 100));

        Assert.Equal(["well"], _changes.Select(static c => c.ContainerId));
    }

    [Fact]
    public async Task Removed_container_is_left_alone_at_once()
    {
        await using var silent = OddPeer.Silent();
        _runner.Set("c1", null, [Tcp(silent.Port) with { Name = "http", Type = CheckType.Http, Path = "/", Timeout = TimeSpan.FromMinutes(5) }]);
        await RunUntilAsync(() => Task.FromResult(silent.Open == 1));

        _runner.Remove("c1");
        await Eventually.HoldsAsync(() => silent.Open == 0);

        Assert.Empty(await _runner.ReportAsync(null, CancellationToken.None));
        Assert.Empty(_changes);
    }

    [Fact]
    public async Task Equal_wishes_change_nothing_and_another_start_begins_anew()
    {
        await using var peer = OddPeer.Silent();
        DateTimeOffset start = _clock.GetUtcNow();
        _runner.Set("c1", start, [Tcp(peer.Port)]);
        await RunUntilAsync(async () => (await ReportAsync("c1")).Check.Status == Health.Passing);

        _runner.Set("c1", start, [Tcp(peer.Port)]);
        Assert.Equal(Health.Passing, (await ReportAsync("c1")).Check.Status);
        _runner.Set("c1", start, [Tcp(peer.Port) with { Interval = TimeSpan.FromSeconds(7) }]);
        Assert.Equal(Health.Passing, (await ReportAsync("c1")).Check.Status);
        _runner.Set("c1", start.AddSeconds(1), [Tcp(peer.Port)]);

        Assert.Equal(Health.Starting, (await ReportAsync("c1")).Check.Status);
    }

    [Fact]
    public async Task What_the_record_says_stands_until_results_speak_against_it()
    {
        await using var peer = OddPeer.Silent();
        var record = new InstanceCheck { Name = "tcp", Type = "tcp", Status = Health.Passing, Output = $"127.0.0.1:{peer.Port} accepts connections" };
        _runner.Set("c1", null, [Tcp(peer.Port)], [record]);

        await RunUntilAsync(async () => (await ReportAsync("c1")).History.Length >= 3);

        Assert.Equal(record, (await ReportAsync("c1")).Check);
        Assert.Empty(_changes);
    }

    [Fact]
    public async Task Ttl_lives_by_words_and_ends_by_silence()
    {
        _runner.Set("c1", null, [Ttl]);

        Assert.Equal(WordOutcome.Taken, await _runner.PassAsync(new("c1", "ttl"), "up", CancellationToken.None));
        Assert.Equal(WordOutcome.Taken, await _runner.WarnAsync(new("c1", "ttl"), "slow\nqueue is long", CancellationToken.None));
        CheckReport warned = await ReportAsync("c1");
        _clock.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(Health.Warning, (await ReportAsync("c1")).Check.Status);
        await RunUntilAsync(async () => (await ReportAsync("c1")).Check.Status == Health.Critical);
        await _runner.PassAsync(new("c1", "ttl"), "up", CancellationToken.None);
        await _runner.FailAsync(new("c1", "ttl"), "disk full", CancellationToken.None);

        Assert.Equal(("slow", "slow\nqueue is long"), (warned.Check.Output, warned.Output));
        Assert.Equal(
            [Health.Passing, Health.Warning, Health.Critical, Health.Passing, Health.Critical],
            _changes.Select(static c => c.Check.Status));
    }

    [Fact]
    public async Task Words_count_for_ttl_checks_only()
    {
        _runner.Set("c1", null, [Tcp(FreePort.Next())]);

        Assert.Equal(WordOutcome.NotTtl, await _runner.PassAsync(new("c1", "tcp"), "", CancellationToken.None));
        Assert.Equal(WordOutcome.NoSuchCheck, await _runner.PassAsync(new("c1", "ttl"), "", CancellationToken.None));
        Assert.Equal(WordOutcome.NoSuchCheck, await _runner.PassAsync(new("c2", "tcp"), "", CancellationToken.None));
    }

    /// <summary>Goal: a storm ends in exactly what is wanted, with nothing queued up. How: 500 containers come and go, a few stay.</summary>
    [Fact]
    public async Task Storm_of_containers_ends_in_what_is_wanted()
    {
        await using var peer = OddPeer.Silent();
        for (int i = 0; i < 500; i++)
        {
            _runner.Set($"c{i}", null, [Tcp(peer.Port), Ttl]);
        }

        for (int i = 0; i < 500; i++)
        {
            if (i % 100 != 0)
            {
                _runner.Remove($"c{i}");
            }
        }

        ImmutableArray<KeyValuePair<string, CheckReport>> left = await _runner.ReportAsync(null, CancellationToken.None);

        Assert.Equal(
            [.. new[] { 0, 100, 200, 300, 400 }.SelectMany(static i => new[] { $"c{i} tcp", $"c{i} ttl" })],
            left.Select(static c => $"{c.Key} {c.Value.Spec.Name}"));
    }

    [Fact]
    public async Task Stop_ends_every_run_and_leaves_nobody_waiting()
    {
        await using var silent = OddPeer.Silent();
        _runner.Set("c1", null, [Tcp(silent.Port) with { Name = "http", Type = CheckType.Http, Path = "/", Timeout = TimeSpan.FromMinutes(5) }]);
        await RunUntilAsync(() => Task.FromResult(silent.Open == 1));

        await _stop.CancelAsync();
        Task asked = _runner.ReportAsync("c1", CancellationToken.None);
        await _running;

        await Eventually.HoldsAsync(() => silent.Open == 0 && asked.IsCompleted, () => $"{silent.Open} open, question {asked.Status}");
        Assert.Empty(_changes);
    }

    private static CheckSpec Tcp(int port) => new()
    {
        Name = "tcp",
        Type = CheckType.Tcp,
        Target = new("127.0.0.1", port, "test"),
        Interval = TimeSpan.FromSeconds(5),
        Timeout = TimeSpan.FromMinutes(1),
    };

    private async Task<CheckReport> ReportAsync(string container) => (await _runner.ReportAsync(container, CancellationToken.None)).Single().Value;

    /// <summary>Moves the clock while real sockets do their part.</summary>
    private Task RunUntilAsync(Func<Task<bool>> condition) => Eventually.HoldsAsync(async () =>
    {
        if (await condition())
        {
            return true;
        }

        _clock.Advance(TimeSpan.FromMilliseconds(500));
        return false;
    });
}
