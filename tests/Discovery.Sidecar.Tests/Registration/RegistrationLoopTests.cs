using Discovery.Catalog;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.DropIn;
using Discovery.Sidecar.DropIn.Templates;
using Discovery.Sidecar.Mirrors;
using Discovery.Sidecar.Registration;
using Discovery.Testing;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Sidecar.Tests.Registration;

/// <summary>The loop between an engine whose faults are made on purpose and a real store: whatever broke, the truth comes out.</summary>
public sealed class RegistrationLoopTests : IAsyncLifetime
{
    private const string Web = "/discovery/instances/fake/web/fake:web-1:80";

    private FakeDockerDaemon _engine = null!;
    private RunningStore _store = null!;
    private StoreClient _client = null!;

    public async Task InitializeAsync()
    {
        _engine = await FakeDockerDaemon.StartAsync();
        _store = await RunningStore.StartAsync(StoreEngine.Etcd);
        _client = _store.NewClient();
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _store.DisposeAsync();
        await _engine.DisposeAsync();
    }

    [Fact]
    public async Task Container_is_registered_when_it_starts_and_forgotten_when_it_dies()
    {
        await using var agent = await StartAsync();

        _engine.Set(new TestContainer { Env = "SERVICE_NAME=web" }.ToJson());
        await HoldsAsync(Web);
        _engine.Remove("c1");
        await HoldsAsync();
    }

    [Fact]
    public async Task Lost_events_are_healed_by_the_full_diff()
    {
        await using var agent = await StartAsync(new() { Resync = TimeSpan.FromSeconds(1) });
        _engine.DropsEvents = true;

        _engine.Set(new TestContainer().ToJson());
        await HoldsAsync(Web);
        _engine.Remove("c1");
        await HoldsAsync();
    }

    [Fact]
    public async Task End_of_the_stream_is_healed_by_looking_at_everything_again()
    {
        await using var agent = await StartAsync();
        _engine.DropsEvents = true;
        _engine.Set(new TestContainer().ToJson());

        _engine.EndStreams();

        await HoldsAsync(Web);
    }

    [Fact]
    public async Task Engine_that_is_away_takes_nothing_with_it()
    {
        _engine.Set(new TestContainer().ToJson());
        await using var agent = await StartAsync();
        await HoldsAsync(Web);
        long revision = await RevisionAsync(Web);

        await _engine.GoAwayAsync();
        await Eventually.HoldsAsync(() => agent.Loop.Status.EngineProblem is not null);
        _engine.Set(new TestContainer { Id = "c2", Name = "web-2" }.ToJson());
        await _engine.ReturnAsync();

        await HoldsAsync(Web, Web.Replace("web-1", "web-2", StringComparison.Ordinal));
        Assert.Equal(revision, await RevisionAsync(Web));
    }

    /// <summary>Goal: live-restore does not take a fleet out of service. How: the engine comes back and says "starting".</summary>
    [Fact]
    public async Task Engine_that_forgot_the_health_of_living_containers_is_not_believed()
    {
        _engine.Set(new TestContainer { Health = "healthy" }.ToJson());
        await using var agent = await StartAsync();
        await HoldsAsync(Web);
        long diffs = agent.Loop.Status.Reconciles;

        _engine.DropsEvents = true;
        _engine.Set(new TestContainer { Health = "starting" }.ToJson());
        _engine.EndStreams();
        await Eventually.HoldsAsync(() => agent.Loop.Status.Reconciles > diffs && agent.Loop.Status.Containers["c1"].Instances[0].Health == Health.Starting);
        _engine.DropsEvents = false;
        _engine.Set(new TestContainer { Id = "c2", Name = "web-2" }.ToJson());
        await HoldsAsync(Web, Web.Replace("web-1", "web-2", StringComparison.Ordinal));

        Assert.Equal(Health.Passing, (await ReadAsync(Web)).Health);
    }

    [Fact]
    public async Task Store_that_is_away_gets_everything_when_it_is_back()
    {
        await using var agent = await StartAsync(new() { TtlRefresh = TimeSpan.FromSeconds(1) });
        await _store.KillAsync();
        _engine.Set(new TestContainer().ToJson());
        await Eventually.HoldsAsync(() => agent.Loop.Status.StoreProblem is not null);

        await _store.StartAgainAsync();

        await HoldsAsync(Web);
        await Eventually.HoldsAsync(() => !agent.Loop.Status.Unready().Any());
    }

    [Fact]
    public async Task Lost_lease_is_replaced_and_everything_registered_under_the_new_one()
    {
        _engine.Set(new TestContainer().ToJson());
        await using var agent = await StartAsync(new() { TtlRefresh = TimeSpan.FromSeconds(1) });
        await HoldsAsync(Web);
        long lease = await LeaseAsync();

        await _client.LeaseRevokeAsync(new LeaseRevokeRequest { ID = lease }, CancellationToken.None);

        await Eventually.HoldsAsync(async () => await LeaseAsync() is var now && now != 0 && now != lease);
        await HoldsAsync(Web);
    }

    [Fact]
    public async Task What_somebody_deleted_or_added_is_put_right_by_the_full_diff()
    {
        _engine.Set(new TestContainer().ToJson());
        await using var agent = await StartAsync(new() { Resync = TimeSpan.FromSeconds(1) });
        await HoldsAsync(Web);

        await _client.DeleteRangeAsync(new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(Web) }, CancellationToken.None);
        await _client.PutAsync(
            new PutRequest { Key = ByteString.CopyFromUtf8("/discovery/instances/fake/ghost/x"), Value = ByteString.CopyFromUtf8("{}") },
            CancellationToken.None);

        await HoldsAsync(Web);
    }

    [Fact]
    public async Task Next_life_within_the_TTL_takes_everything_over_unchanged()
    {
        _engine.Set(new TestContainer { Health = "healthy", HealthOutput = "1" }.ToJson());
        long revision;
        await using (var first = await StartAsync())
        {
            await HoldsAsync(Web);
            revision = await RevisionAsync(Web);
        }

        _engine.Set(new TestContainer { Health = "healthy", HealthOutput = "2" }.ToJson());
        await using var second = await StartAsync();
        await Eventually.HoldsAsync(() => !second.Loop.Status.Unready().Any());

        Assert.Equal(revision, await RevisionAsync(Web));
    }

    [Fact]
    public async Task Deregister_on_exit_takes_everything_away_at_once()
    {
        _engine.Set(new TestContainer().ToJson());
        await using (var agent = await StartAsync(new() { DeregisterOnExit = true }))
        {
            await HoldsAsync(Web);
        }

        await HoldsAsync();
    }

    [Fact]
    public async Task Second_host_of_the_same_name_and_another_engine_is_refused()
    {
        await using var first = await StartAsync();
        await using FakeDockerDaemon other = await FakeDockerDaemon.StartAsync();
        other.EngineId = "ENGINE-2";
        await using var second = Agent(other, new());

        var refused = await Assert.ThrowsAsync<HostNameTakenException>(() => second.Running.WaitAsync(Eventually.Patience));

        Assert.Contains("ENGINE-1 and not ENGINE-2", refused.Message, StringComparison.Ordinal);
        Assert.False(first.Running.IsCompleted);
    }

    /// <summary>Goal: the last answer wins. How: an inspection is held while the container changes under it.</summary>
    [Fact]
    public async Task Change_during_a_slow_inspection_is_not_lost()
    {
        await using var agent = await StartAsync();
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _engine.InspectGate = gate.Task;
        int before = _engine.Inspections;
        _engine.Set(new TestContainer { Ports = "80/tcp=0.0.0.0:40000" }.ToJson());
        await Eventually.HoldsAsync(() => _engine.Inspections > before);
        _engine.Set(new TestContainer { Ports = "80/tcp=0.0.0.0:50000" }.ToJson(), "unpause");

        gate.SetResult();

        await Eventually.HoldsAsync(async () => (await ReadAsync(Web)).Port == 50000);
    }

    /// <summary>Of 20 containers started and killed at once registrator leaves ghosts; here every interleaving ends in the truth.</summary>
    [Fact]
    public async Task Storm_of_twenty_ends_in_the_true_state()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        await using var agent = await StartAsync();
        var expected = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < 400; i++)
        {
            int n = random.Next(20);
            string key = Web.Replace("web-1", $"web-{n}", StringComparison.Ordinal);
            if (random.Next(2) == 0)
            {
                _engine.Set(new TestContainer { Id = $"c{n}", Name = $"web-{n}", Ports = $"80/tcp=0.0.0.0:{40000 + i}" }.ToJson());
                expected.Add(key);
            }
            else
            {
                _engine.Remove($"c{n}");
                expected.Remove(key);
            }

            if (random.Next(20) == 0)
            {
                _engine.EndStreams();
            }
        }

        await HoldsAsync([.. expected], $"seed {seed}");
    }

    [Fact]
    public async Task Steady_host_writes_nothing()
    {
        _engine.Set(new TestContainer { Health = "healthy", HealthOutput = "ok" }.ToJson());
        await using var agent = await StartAsync(new() { Resync = TimeSpan.FromSeconds(1) });
        await HoldsAsync(Web);
        long writes = agent.Loop.Status.Writes;
        long diffs = agent.Loop.Status.Reconciles;

        await Eventually.HoldsAsync(() => agent.Loop.Status.Reconciles >= diffs + 3);

        Assert.Equal(writes, agent.Loop.Status.Writes);
    }

    [Fact]
    public async Task Mirror_holds_what_the_catalog_holds()
    {
        await using var agent = await StartAsync(new() { Mirrors = [Foreign] });

        _engine.Set(new TestContainer { Ports = "80/tcp=0.0.0.0:32768" }.ToJson());
        await ForeignHoldsAsync("/services/web/fake:web-1:80=127.0.0.1:32768");
        await HoldsAsync(Web);
        _engine.Remove("c1");
        await ForeignHoldsAsync();
    }

    /// <summary>Started as registrator is: its names and keys, and no catalog.</summary>
    [Fact]
    public async Task Drop_in_writes_what_registrator_would_and_no_catalog()
    {
        var dropIn = new DropInOptions { Registry = Foreign, Tags = GoTemplate.Parse("{{.Config.Image}}").Template };
        await using var agent = await StartAsync(new() { Host = "host9", Ttl = default, TtlRefresh = default, Mirrors = [Foreign], DropIn = dropIn });

        _engine.Set(new TestContainer { Ports = "80/tcp=0.0.0.0:32768 443/tcp=0.0.0.0:32769", Env = "SERVICE_443_NAME=Secure" }.ToJson());
        await ForeignHoldsAsync("/services/Secure/host9:web-1:443=127.0.0.1:32769", "/services/web-80/host9:web-1:80=127.0.0.1:32768");
        await HoldsAsync();
        Assert.Contains("shop/web:7", Assert.Single(agent.Loop.Status.Containers).Value.Mirrored[0].Tags);

        _engine.Remove("c1");
        await ForeignHoldsAsync();
    }

    [Fact]
    public async Task Check_that_a_container_asks_for_decides_its_health()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        int port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        await using var agent = await StartAsync();

        _engine.Set(new TestContainer { Networks = "bridge=127.0.0.1", Labels = $"discovery.check.tcp={port}; discovery.check.interval=1s; discovery.check.unhealthy-threshold=1" }.ToJson());
        await HealthBecomesAsync(Health.Passing);
        listener.Stop();
        await HealthBecomesAsync(Health.Critical);
    }

    /// <summary>The store of these tests, as a foreign one.</summary>
    private MirrorUri Foreign => MirrorUri.Parse($"etcd3://{_store.Url.Authority}/services", static _ => null);

    private async Task HealthBecomesAsync(Health wanted)
    {
        ServiceInstance? seen = null;
        await Eventually.HoldsAsync(
            async () => (seen = await GetAsync(Web) is null ? null : await ReadAsync(Web))?.Health == wanted,
            saw: () => seen is null ? "nothing" : $"{seen.Health}: {string.Join("; ", seen.Checks)}");
    }

    private async Task ForeignHoldsAsync(params string[] pairs)
    {
        string[] seen = [];
        await Eventually.HoldsAsync(
            async () =>
            {
                KeyRange all = KeyRange.Prefix("/services/");
                RangeResponse found = await _client.RangeAsync(new RangeRequest { Key = all.Key, RangeEnd = all.End }, CancellationToken.None);
                seen = [.. found.Kvs.Select(static pair => $"{pair.Key.ToStringUtf8()}={pair.Value.ToStringUtf8()}")];
                return seen.SequenceEqual(pairs);
            },
            saw: () => string.Join(' ', seen),
            what: $"the foreign store holds [{string.Join(' ', pairs)}]");
    }

    private async Task<RunningLoop> StartAsync(SidecarOptions? options = null)
    {
        // Only the path under test may heal the fault, unless the test asks for the interval itself.
        RunningLoop agent = Agent(_engine, options ?? new() { Resync = TimeSpan.FromHours(1) });
        await Eventually.HoldsAsync(
            () => agent.Running.IsFaulted ? throw new InvalidOperationException("the loop failed", agent.Running.Exception) : !agent.Loop.Status.Unready().Any(),
            saw: () => string.Join("; ", agent.Loop.Status.Unready()));
        return agent;
    }

    private RunningLoop Agent(FakeDockerDaemon engine, SidecarOptions options) =>
        new(engine, _store, options with { Ip = System.Net.IPAddress.Loopback });

    private Task HoldsAsync(params string[] keys) => HoldsAsync(keys, "");

    private async Task HoldsAsync(string[] keys, string note)
    {
        string[] seen = [];
        await Eventually.HoldsAsync(
            async () =>
            {
                KeyRange all = KeyRange.Prefix(CatalogKeys.Instances);
                RangeResponse found = await _client.RangeAsync(new RangeRequest { Key = all.Key, RangeEnd = all.End }, CancellationToken.None);
                seen = [.. found.Kvs.Select(static pair => pair.Key.ToStringUtf8())];
                return seen.Order(StringComparer.Ordinal).SequenceEqual(keys.Order(StringComparer.Ordinal));
            },
            saw: () => $"{string.Join(' ', seen)} {note}",
            what: $"the store holds [{string.Join(' ', keys)}]");
    }

    private async Task<KeyValue?> GetAsync(string key) =>
        (await _client.RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8(key) }, CancellationToken.None)).Kvs.FirstOrDefault();

    private async Task<ServiceInstance> ReadAsync(string key) =>
        await GetAsync(key) is { } found
            ? CatalogJson.Read<ServiceInstance>(found.Value.Span).Record!
            : throw new InvalidOperationException($"{key} is not there");

    private async Task<long> RevisionAsync(string key) => (await GetAsync(key))?.ModRevision ?? 0;

    private async Task<long> LeaseAsync() => (await GetAsync("/discovery/hosts/fake"))?.Lease ?? 0;

    private sealed class RunningLoop : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly DockerClient _docker;
        private readonly StoreClient _client;

        public RunningLoop(FakeDockerDaemon engine, RunningStore store, SidecarOptions options)
        {
            _docker = new(DockerEndpoint.Parse(engine.Host)) { KeepsInspected = options.DropIn?.Tags is not null };
            _client = store.NewClient();
            Loop = new(_docker, options.DropIn is null ? _client : null, options, TimeProvider.System, NullLoggerFactory.Instance);
            Running = Loop.RunAsync(_stop.Token);
        }

        public RegistrationLoop Loop { get; }

        public Task Running { get; }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Loop.DisposeAsync();
            _client.Dispose();
            _docker.Dispose();
            _stop.Dispose();
        }
    }
}
