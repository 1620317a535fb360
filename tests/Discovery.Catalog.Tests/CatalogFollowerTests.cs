using System.Threading.Channels;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Catalog.Tests;

/// <summary>Against both engines that the catalog runs on, as processes.</summary>
public sealed class CatalogFollowerTests
{
    private readonly CancellationToken _cancellation = CancellationToken.None;

    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task Changes_arrive_one_after_the_other(StoreEngine engine)
    {
        await using RunningStore store = await RunningStore.StartAsync(engine);
        using StoreClient client = store.NewClient();
        await PutAsync(client, "web", 1);
        await using var following = new Following(client);

        await following.UntilAsync(s => s.Connected && Count(s, "web") == 1);
        await PutAsync(client, "web", 2);
        await PutAsync(client, "api", 1);
        await following.UntilAsync(s => Count(s, "web") == 2 && Count(s, "api") == 1);
        await client.DeleteRangeAsync(new() { Key = Key("web", 1) }, _cancellation);
        await following.UntilAsync(s => Count(s, "web") == 1);
    }

    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task The_last_catalog_stays_while_the_store_is_away_and_nothing_is_missed(StoreEngine engine)
    {
        await using RunningStore store = await RunningStore.StartAsync(engine);
        using StoreClient client = store.NewClient();
        await PutAsync(client, "web", 1);
        await using var following = new Following(client);
        await following.UntilAsync(s => Count(s, "web") == 1);

        await store.KillAsync();
        CatalogSnapshot away = await following.UntilAsync(s => !s.Connected);
        Assert.Equal(1, Count(away, "web"));
        Assert.Contains(store.Url.Authority, away.Problem, StringComparison.Ordinal);

        await store.StartAgainAsync();
        await PutAsync(client, "web", 2);
        await following.UntilAsync(s => s.Connected && s.Problem is null && Count(s, "web") == 2);
    }

    /// <summary>Goal: a reader that slept through a compaction reads all anew. How: change and compact while the store refuses it.</summary>
    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task A_compacted_history_is_read_anew(StoreEngine engine)
    {
        await using RunningStore store = await RunningStore.StartAsync(engine);
        using StoreClient client = store.NewClient();
        await PutAsync(client, "web", 1);
        var content = new Following(client);
        await content.UntilAsync(s => Count(s, "web") == 1);
        await content.PauseAsync();

        await client.DeleteRangeAsync(new() { Key = Key("web", 1) }, _cancellation);
        PutResponse last = await PutAsync(client, "api", 1);
        await CompactAsync(store, last.Header.Revision);

        content.Resume();
        await content.UntilAsync(s => Count(s, "web") == 0 && Count(s, "api") == 1);
        await content.DisposeAsync();
    }

    [Fact]
    public async Task A_store_that_was_wiped_is_read_anew()
    {
        await using RunningStore store = await RunningStore.StartAsync(StoreEngine.Bundled);
        using StoreClient client = store.NewClient();
        for (int i = 1; i <= 5; i++)
        {
            await PutAsync(client, "web", i);
        }

        await using var following = new Following(client);
        await following.UntilAsync(s => Count(s, "web") == 5);

        await store.KillAsync();
        store.Wipe();
        await store.StartAgainAsync();
        await PutAsync(client, "web", 9);

        await following.UntilAsync(s => s.Connected && Count(s, "web") == 1);
    }

    private static int Count(CatalogSnapshot snapshot, string service) =>
        snapshot.Services.TryGetValue(service, out Service? found) ? found.ByKey.Count : 0;

    private static ByteString Key(string service, int number) =>
        ByteString.CopyFromUtf8(CatalogKeys.Instance("h1", service, $"i{number}"));

    private static async Task CompactAsync(RunningStore store, long revision)
    {
        using var http = new HttpClient();
        using var body = new StringContent($$"""{"revision":"{{revision}}","physical":true}""");
        (await http.PostAsync(new Uri(store.Url, "/v3/kv/compaction"), body)).EnsureSuccessStatusCode();
    }

    private Task<PutResponse> PutAsync(StoreClient client, string service, int number) => client.PutAsync(
        new()
        {
            Key = Key(service, number),
            Value = ByteString.CopyFrom(CatalogJson.Write(new ServiceInstance { Id = $"i{number}", Service = service, Address = "127.0.0.1", Port = 80 })),
        },
        _cancellation);

    /// <summary>A follower at work, and what it said last. It keeps its content over a pause, as over a lost connection.</summary>
    private sealed class Following : IAsyncDisposable
    {
        private readonly CatalogFollower _follower;
        private readonly Channel<CatalogSnapshot> _snapshots = Channel.CreateUnbounded<CatalogSnapshot>();
        private CancellationTokenSource _stop = new();
        private Task _running = Task.CompletedTask;

        public Following(StoreClient client)
        {
            _follower = new(client, TimeProvider.System, NullLogger<CatalogFollower>.Instance);
            Resume();
        }

        public void Resume()
        {
            _stop = new();
            _running = RunAsync(_stop.Token);
        }

        public async Task PauseAsync()
        {
            await _stop.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }

        public async Task<CatalogSnapshot> UntilAsync(Predicate<CatalogSnapshot> wanted)
        {
            CatalogSnapshot? last = null;
            using var patience = new CancellationTokenSource(Eventually.Patience);
            try
            {
                while (true)
                {
                    last = await _snapshots.Reader.ReadAsync(patience.Token);
                    if (wanted(last))
                    {
                        return last;
                    }
                }
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException(
                    $"Last seen: revision {last?.Revision}, connected {last?.Connected}, {last?.Problem}, "
                    + string.Join(' ', last?.Services.Values.Select(s => $"{s.Name}:{s.ByKey.Count}") ?? []));
            }
        }

        public async ValueTask DisposeAsync() => await PauseAsync();

        private async Task RunAsync(CancellationToken cancellation)
        {
            await foreach (CatalogSnapshot snapshot in _follower.FollowAsync(cancellation))
            {
                _snapshots.Writer.TryWrite(snapshot);
            }
        }
    }
}
