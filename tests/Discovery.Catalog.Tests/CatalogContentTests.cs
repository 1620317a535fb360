using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Catalog.Tests;

public sealed class CatalogContentTests
{
    [Fact]
    public void A_change_leaves_other_services_the_same_objects()
    {
        var content = new CatalogContent();
        content.Load([Pair("h", "web", "a"), Pair("h", "api", "b")], 5);
        Service api = content.Snapshot.Services["api"];

        content.Apply([Put(Pair("h", "web", "c"))], 6);

        Assert.Same(api, content.Snapshot.Services["api"]);
        Assert.Equal(2, content.Snapshot.Services["web"].Instances.Count());
        Assert.Equal(6, content.Snapshot.Revision);
    }

    [Fact]
    public void A_reload_that_finds_the_same_keeps_the_objects()
    {
        var content = new CatalogContent();
        content.Load([Pair("h", "web", "a")], 5);
        Service web = content.Snapshot.Services["web"];

        content.Forget();
        content.Load([Pair("h", "web", "a"), Pair("h", "api", "b")], 2);

        Assert.Same(web, content.Snapshot.Services["web"]);
        Assert.Equal(2, content.Snapshot.Revision);
    }

    [Fact]
    public void An_unreadable_record_is_named_and_harms_nobody()
    {
        var content = new CatalogContent();
        content.Load([Pair("h", "web", "a")], 5);

        content.Apply([Put(new() { Key = ByteString.CopyFromUtf8("/discovery/instances/h/web/x"), Value = ByteString.CopyFromUtf8("{}") })], 6);

        Assert.Single(content.Snapshot.Services["web"].Instances);
        Assert.Contains("id", content.Snapshot.Unreadable["/discovery/instances/h/web/x"], StringComparison.Ordinal);

        content.Apply([Delete("/discovery/instances/h/web/x")], 7);
        Assert.Empty(content.Snapshot.Unreadable);
    }

    [Fact]
    public void Statistics_below_a_proxy_are_not_proxies()
    {
        var content = new CatalogContent();

        content.Load(
            [
                new() { Key = ByteString.CopyFromUtf8("/discovery/proxies/p"), Value = ByteString.CopyFromUtf8("""{"name":"p"}""") },
                new() { Key = ByteString.CopyFromUtf8("/discovery/proxies/p/stats"), Value = ByteString.CopyFromUtf8("""{"name":"x"}""") },
            ],
            1);

        Assert.Equal(["p"], content.Snapshot.Proxies.Keys);
    }

    [Fact]
    public void The_time_of_a_connection_is_that_of_its_change()
    {
        var content = new CatalogContent();

        content.Connection(null, DateTimeOffset.UnixEpoch);
        content.Connection(null, DateTimeOffset.UnixEpoch.AddSeconds(1));
        Assert.Equal(DateTimeOffset.UnixEpoch, content.Snapshot.Since);

        content.Connection("gone", DateTimeOffset.UnixEpoch.AddSeconds(2));
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(2), content.Snapshot.Since);
        Assert.Equal("gone", content.Snapshot.Problem);
    }

    /// <summary>Goal: any sequence of changes ends in what a fresh read of the final keys gives.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Changes_end_where_a_fresh_read_does(int seed)
    {
        var random = new Random(seed);
        var keys = new SortedDictionary<string, KeyValue>(StringComparer.Ordinal);
        var content = new CatalogContent();
        for (int revision = 1; revision <= 300; revision++)
        {
            KeyValue pair = Pair($"h{random.Next(3)}", $"s{random.Next(4)}", $"i{random.Next(5)}", valueService: random.Next(10) == 0 ? "other" : null);
            string key = pair.Key.ToStringUtf8();
            if (random.Next(3) == 0)
            {
                keys.Remove(key);
                content.Apply([Delete(key)], revision);
            }
            else
            {
                keys[key] = pair;
                content.Apply([Put(pair)], revision);
            }
        }

        var fresh = new CatalogContent();
        fresh.Load(keys.Values, 300);

        Assert.Equal(Describe(fresh.Snapshot), Describe(content.Snapshot));
    }

    public static TheoryData<int> Seeds()
    {
        int random = Random.Shared.Next();
        return [1, 2, 3, random];
    }

    private static string Describe(CatalogSnapshot snapshot) => string.Join(
        '\n', snapshot.Services.Values.Select(s => $"{s.Name}: {string.Join(' ', s.ByKey.Select(i => $"{i.Key}={i.Value.Service}"))}"));

    private static KeyValue Pair(string host, string service, string id, string? valueService = null) => new()
    {
        Key = ByteString.CopyFromUtf8(CatalogKeys.Instance(host, service, id)),
        Value = ByteString.CopyFrom(CatalogJson.Write(new ServiceInstance
        {
            Id = id,
            Service = valueService ?? service,
            Address = "10.0.0.1",
            Port = 80,
        })),
    };

    private static Event Put(KeyValue pair) => new() { Type = Event.Types.EventType.Put, Kv = pair };

    private static Event Delete(string key) => new()
    {
        Type = Event.Types.EventType.Delete,
        Kv = new() { Key = ByteString.CopyFromUtf8(key) },
    };
}
