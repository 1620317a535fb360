using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Discovery.Catalog;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;

namespace Discovery.Benchmarks;

/// <summary>
/// How long after a container's start is it known, and how long until it answers through the proxy. One container at a
/// time, from the engine's start event as a reader of our own sees it; the floor is what nobody can beat who looks at the
/// container at all: that event, then one inspect. Programs as built in Release, engine, store and proxy on this machine.
/// </summary>
internal sealed class StartLatency(int count, int warmup, StoreEngine storeEngine)
{
    private readonly Sample _docker = new("docker start -> its event (Docker's part)");
    private readonly Sample _floor = new("event -> inspect answered (raw floor)");
    private readonly Sample _key = new("event -> key seen by a watch");
    private readonly Sample _direct = new("event -> first 200 from the container itself");
    private readonly Sample _routed = new("event -> first 200 through the proxy");

    /// <summary>Event and key times by container id and key, written by one reader each.</summary>
    private readonly Channel<(string Id, long At)> _events = Channel.CreateUnbounded<(string, long)>();
    private readonly Channel<(string Key, long At)> _keys = Channel.CreateUnbounded<(string, long)>();

    /// <summary>Runs and prints the table.</summary>
    public async Task RunAsync(TextWriter output, CancellationToken cancellation)
    {
        await using DockerEngine machine = DockerEngine.FromEnvironment();
        await using RunningDockerd? own = await machine.AnswersAsync() ? null : await RunningDockerd.StartAsync();
        await using var docker = new DockerEngine(own?.Host ?? machine.Host);
        await SampleImage.BuildAsync(docker);
        await using RunningStore? etcd = storeEngine == StoreEngine.Etcd ? await RunningStore.StartAsync(StoreEngine.Etcd) : null;
        await using RunningSidecar sidecar = await RunningSidecar.StartAsync(docker.Host, "bench", etcd?.Flag);
        await using RunningProxy proxy = await RunningProxy.StartAsync(sidecar.Store);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var readers = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task reading = Task.WhenAll(ReadEventsAsync(docker, readers.Token), ReadKeysAsync(sidecar.Store, readers.Token));

        for (int run = -warmup; run < count; run++)
        {
            cancellation.ThrowIfCancellationRequested();
            await MeasureAsync(docker, proxy, http, $"bench-{Environment.ProcessId}-{run + warmup}", isMeasured: run >= 0);
        }

        await readers.CancelAsync();
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        await output.WriteLineAsync($"{count} starts after {warmup} for warming up, store {storeEngine}, {Environment.ProcessorCount} cores");
        foreach (string line in Sample.Table([_docker, _floor, _key, _direct, _routed], _floor))
        {
            await output.WriteLineAsync(line);
        }
    }

    private async Task MeasureAsync(DockerEngine docker, RunningProxy proxy, HttpClient http, string name, bool isMeasured)
    {
        string id = await docker.CreateAsync(new ContainerSpec
        {
            Name = name,
            Environment = new Dictionary<string, string> { ["SERVICE_NAME"] = name },
        });
        Task<long> routed = FirstOkAsync(http, () => Task.FromResult<Uri?>(proxy.Url), $"{name}.localhost");
        long called = Stopwatch.GetTimestamp();
        Task start = docker.StartAsync(id);

        long started = await NextAsync(_events.Reader, id);
        await docker.InspectAsync(id);
        long inspected = Stopwatch.GetTimestamp();
        Task<long> direct = FirstOkAsync(http, async () =>
            await docker.PublishedPortAsync(id, SampleImage.Port) is { } port ? new Uri($"http://127.0.0.1:{port}") : null, host: null);
        long seen = await NextAsync(_keys.Reader, name);
        long[] answered = await Task.WhenAll(direct, routed);
        await start;
        await docker.RemoveAsync(id);

        if (isMeasured)
        {
            _docker.Add(Stopwatch.GetElapsedTime(called, started));
            _floor.Add(Stopwatch.GetElapsedTime(started, inspected));
            _key.Add(Stopwatch.GetElapsedTime(started, seen));
            _direct.Add(Stopwatch.GetElapsedTime(started, answered[0]));
            _routed.Add(Stopwatch.GetElapsedTime(started, answered[1]));
        }
    }

    /// <summary>Asks every millisecond until a 200 comes, and says when it came.</summary>
    private static async Task<long> FirstOkAsync(HttpClient http, Func<Task<Uri?>> find, string? host)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        long begun = Stopwatch.GetTimestamp();
        Uri? url = null;
        while (Stopwatch.GetElapsedTime(begun) < Eventually.Patience)
        {
            url ??= await find();
            if (url is not null)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, url);
                request.Headers.Host = host;
                try
                {
                    using HttpResponseMessage response = await http.SendAsync(request);
                    if (response.StatusCode == HttpStatusCode.OK)
                    {
                        return Stopwatch.GetTimestamp();
                    }
                }
                catch (HttpRequestException)
                {
                    // Published, but nothing listens yet.
                }
            }

            await beat.WaitForNextTickAsync();
        }

        throw new TimeoutException($"No 200 from {url} ({host}) within {Eventually.Patience}");
    }

    private static async Task<long> NextAsync(ChannelReader<(string Name, long At)> reader, string name)
    {
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        await foreach ((string found, long at) in reader.ReadAllAsync(deadline.Token))
        {
            if (found == name)
            {
                return at;
            }
        }

        throw new InvalidOperationException("The reader ended");
    }

    /// <summary>The least that a reader of the engine's events can do: a line, its time, its container.</summary>
    private async Task ReadEventsAsync(DockerEngine docker, CancellationToken cancellation)
    {
        await using Stream stream = await docker.StartEventsAsync();
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            long now = Stopwatch.GetTimestamp();
            using JsonDocument message = JsonDocument.Parse(line);
            _events.Writer.TryWrite((message.RootElement.GetProperty("id").GetString()!, now));
        }
    }

    private async Task ReadKeysAsync(Uri store, CancellationToken cancellation)
    {
        using var client = new StoreClient(StoreAddress.Parse($"etcd://{store.Authority}"));
        var all = EtcdApi.KeyRange.Prefix(CatalogKeys.Instances);
        await foreach (WatchResponse response in client.WatchAsync(new WatchCreateRequest { Key = all.Key, RangeEnd = all.End }, cancellation))
        {
            long now = Stopwatch.GetTimestamp();
            foreach (Event change in response.Events.Where(static e => e.Type == Event.Types.EventType.Put))
            {
                // …/<host>/<service>/<id>; the service is named after the container.
                _keys.Writer.TryWrite((change.Kv.Key.ToStringUtf8().Split('/')[4], now));
            }
        }
    }
}
