using Discovery.Sidecar.Mirrors;
using Discovery.Testing;
using static Discovery.Sidecar.Tests.Mirrors.MirrorCases;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>
/// Every backend against the real server. Goal: whatever happens to it, the end is what is wanted, and what is others' is as it was.
/// How: the server is killed, wiped or suspended by its process id; its content is read past the code under test.
/// </summary>
public sealed class MirrorTests
{
    public static TheoryData<string> Schemes => ["etcd", "etcd2", "etcd3", "skydns2", "coredns", "consul", "consulkv", "zookeeper"];

    [Theory, MemberData(nameof(Schemes))]
    public async Task What_is_wanted_stands_there_to_the_letter_and_goes_when_it_is_not(string scheme)
    {
        await using ForeignStore store = await ForeignStore.ForAsync(scheme);
        (string key, string value) = Stranger(scheme);
        await store.WriteAsync(key, value);
        var strangers = await store.ContentAsync();
        await using var mirror = new RunningMirror(Uri(scheme, store), Options);

        await mirror.ReachAsync(Web, Web2, Api);
        var full = await store.ContentAsync();
        await mirror.ReachAsync(Web2);
        var less = await store.ContentAsync();
        await mirror.ReachAsync();

        Assert.Equal([.. strangers, .. Expected(scheme, Web, Web2, Api)], Sorted(full));
        Assert.Equal([.. strangers, .. Expected(scheme, Web2)], Sorted(less));
        Assert.Equal(strangers, await store.ContentAsync());

        KeyValuePair<string, string>[] Sorted(SortedDictionary<string, string> content) =>
            [.. content.Where(pair => strangers.ContainsKey(pair.Key)), .. content.Where(pair => !strangers.ContainsKey(pair.Key))];
    }

    [Theory, MemberData(nameof(Schemes))]
    public async Task Backend_that_is_killed_and_comes_back_ends_in_the_exact_state(string scheme)
    {
        await using ForeignStore store = await ForeignStore.ForAsync(scheme);
        await using var mirror = new RunningMirror(Uri(scheme, store), Options);
        await mirror.ReachAsync(Web, Web2);

        await store.KillAsync();
        mirror.Want(Web2, Api);
        await Eventually.HoldsAsync(() => mirror.Status.LastProblem is not null && mirror.Status.Entries.ContainsKey(Api.Id));
        Assert.All(mirror.Status.Entries.Values, static entry => Assert.NotNull(entry.Problem));
        await store.StartAsync();
        await mirror.ReachAsync(Web2, Api);

        await HoldsAsync(store, scheme, Web2, Api);
    }

    [Theory, MemberData(nameof(Schemes))]
    public async Task Wiped_backend_is_filled_again(string scheme)
    {
        await using ForeignStore store = await ForeignStore.ForAsync(scheme);
        await using var mirror = new RunningMirror(Uri(scheme, store), Options);
        await mirror.ReachAsync(Web, Api);

        await store.WipeAsync();

        await HoldsAsync(store, scheme, Web, Api);
    }

    [Theory, MemberData(nameof(Schemes))]
    public async Task What_an_earlier_life_left_is_taken_over_or_removed(string scheme)
    {
        await using ForeignStore store = await ForeignStore.ForAsync(scheme);
        MirrorOptions options = scheme == "coredns" ? WithTtl : Options;
        await using (var earlier = new RunningMirror(Uri(scheme, store), options))
        {
            await earlier.ReachAsync(Web, Web2);
        }

        await using var mirror = new RunningMirror(Uri(scheme, store), options);
        await mirror.ReachAsync(Web2, Api);

        await HoldsAsync(store, scheme, Web2, Api);
    }

    [Fact]
    public async Task Backend_that_hangs_delays_no_other_and_is_served_when_it_wakes()
    {
        await using ForeignStore hanging = await ForeignStore.ForAsync("etcd3");
        await using ForeignStore healthy = await ForeignStore.ForAsync("etcd2");
        await using var slow = new RunningMirror(Uri("etcd3", hanging), Options);
        await using var quick = new RunningMirror(Uri("etcd2", healthy), Options);
        await slow.ReachAsync(Web);

        hanging.Suspend();
        slow.Want(Web, Api);
        await quick.ReachAsync(Web, Api);

        Assert.False(slow.Status.IsInStep);
        await HoldsAsync(healthy, "etcd2", Web, Api);
        await Eventually.HoldsAsync(() => slow.Status.LastProblem is not null);
        await hanging.KillAsync();
        await hanging.StartAsync();
        await HoldsAsync(hanging, "etcd3", Web, Api);
    }

    /// <summary>Goal: only the last wish counts, however fast they come and whatever happens to the backend meanwhile.</summary>
    [Fact]
    public async Task Storm_of_wishes_with_a_kill_in_it_ends_in_the_last_one()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        MirroredService[] all = [.. Enumerable.Range(0, 500).Select(static i => Service($"s{i % 50}", $"c{i}", 20_000 + i))];
        await using ForeignStore store = await ForeignStore.ForAsync("etcd3");
        await using var mirror = new RunningMirror(Uri("etcd3", store), Options);
        for (int round = 0; round < 100; round++)
        {
            mirror.Want([.. all.Where(_ => random.Next(2) == 0)]);
            if (round == 50)
            {
                await store.KillAsync();
                await store.StartAsync();
            }
        }

        MirroredService[] last = [.. all.Where(_ => random.Next(2) == 0)];
        await mirror.ReachAsync(last);

        Assert.True(Expected("etcd3", last).SequenceEqual(await store.ContentAsync()), $"seed {seed}");
    }

    [Fact]
    public async Task Cluster_with_certificates_and_users_is_written_while_a_member_is_dead()
    {
        await using SecuredEtcd cluster = await SecuredEtcd.StartAsync();
        string uri = cluster.Flag + $"/discovery/mirror?ca={cluster.Authority}&cert={cluster.Certificate}&key={cluster.Key}";
        await using var mirror = new RunningMirror(uri, WithTtl);
        await mirror.ReachAsync(Web);

        await cluster.KillMemberAsync(0);
        await mirror.ReachAsync(Web, Api);

        using Discovery.Catalog.StoreClient client = cluster.NewClient();
        var found = await client.RangeAsync(
            new() { Key = Google.Protobuf.ByteString.CopyFromUtf8("/discovery/mirror/api/host1:api:80") }, CancellationToken.None);
        Assert.Equal("10.0.0.1:32772", found.Kvs.Single().Value.ToStringUtf8());
    }

    [Fact]
    public async Task Consul_is_reached_by_its_socket_and_a_token_that_is_wrong_is_told_with_the_service()
    {
        const string Token = "b1a2c3d4-0000-4000-8000-000000000001";
        await using var store = new ConsulStore(
            isKv: false, $"acl {{ enabled = true default_policy = \"deny\" tokens {{ master = \"{Token}\" agent = \"{Token}\" }} }}", Token);
        await store.StartAsync();
        static string? Known(string name) => name == "CONSUL_HTTP_TOKEN" ? Token : null;
        await using var mirror = new RunningMirror($"consul-unix://{store.Socket}", Options, Known);
        await using var pairs = new RunningMirror($"consulkv-unix://{store.Socket}:/services", Options, Known);
        await using var stranger = new RunningMirror($"consulkv://127.0.0.1:{store.Port}/services", Options);

        await mirror.ReachAsync(Web);
        await pairs.ReachAsync(Web);
        stranger.Want(Api);
        await Eventually.HoldsAsync(
            () => stranger.Status.Entries.GetValueOrDefault(Api.Id)?.Problem?.Contains("403", StringComparison.Ordinal) == true,
            saw: () => stranger.Status);

        await HoldsAsync(store, "consul", Web);
        Assert.Equal(
            "10.0.0.1:32770",
            System.Text.Encoding.UTF8.GetString((await store.GetAsync("/v1/kv/services/web/host1:web-1:80"))[0].GetProperty("Value").GetBytesFromBase64()));
    }

    [Fact]
    public async Task Service_that_consul_holds_as_wanted_keeps_its_check_and_what_it_says()
    {
        await using var store = new ConsulStore(isKv: false);
        await store.StartAsync();
        MirroredService passed = Web with { Attrs = Discovery.Catalog.EquatableMap.From([KeyValuePair.Create("check_ttl", "1h")]) };
        await using (var earlier = new RunningMirror(Uri("consul", store), Options))
        {
            await earlier.ReachAsync(passed);
        }

        await store.PutAsync("/v1/agent/check/pass/service:host1:web-1:80", null);
        await using var mirror = new RunningMirror(Uri("consul", store), Options);
        await mirror.ReachAsync(passed, Api);

        Assert.Equal(1, mirror.Status.Puts);
        Assert.Equal("passing", (await store.GetAsync("/v1/agent/checks")).GetProperty("service:host1:web-1:80").GetProperty("Status").GetString());
    }

    /// <summary>Goal: the node is right by ZooKeeper's own client too, and not only by ours, which the other tests read with.</summary>
    [Fact]
    public async Task Zookeepers_own_client_reads_the_node()
    {
        await using var store = new ZookeeperStore();
        await store.StartAsync();
        await using var mirror = new RunningMirror(Uri("zookeeper", store), Options);
        await mirror.ReachAsync(Web);
        KeyValuePair<string, string> node = Expected("zookeeper", Web)[0];

        string read = await store.ClientAsync("get", "-s", node.Key);

        Assert.Contains($"\n{node.Value}\n", read, StringComparison.Ordinal);
        Assert.DoesNotContain("ephemeralOwner = 0x0\n", read, StringComparison.Ordinal);
    }
}
