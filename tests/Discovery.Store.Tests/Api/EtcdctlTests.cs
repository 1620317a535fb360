using Discovery.Testing;

namespace Discovery.Store.Tests.Api;

/// <summary>Debian's etcdctl, unchanged, against our store.</summary>
public sealed class EtcdctlTests : IAsyncLifetime
{
    private TestStore _store = null!;

    public async Task InitializeAsync() => _store = await TestStore.StartAsync();

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task Puts_gets_and_deletes()
    {
        Assert.Equal("OK\n", await RunAsync("put", "a/1", "one"));
        Assert.Equal("OK\n", await RunAsync("put", "a/2", "two"));
        Assert.Equal("OK\na/1\none\n", await RunAsync("put", "--prev-kv", "a/1", "uno"));

        Assert.Equal("a/1\nuno\na/2\ntwo\n", await RunAsync("get", "--prefix", "a/"));
        Assert.Equal("a/2\na/1\n", (await RunAsync("get", "--prefix", "--keys-only", "--order=DESCEND", "--sort-by=KEY", "a/")).Replace("\n\n", "\n", StringComparison.Ordinal));
        Assert.Equal("a/1\none\n", await RunAsync("get", "--rev=2", "a/1"));
        Assert.Equal("2\n", await RunAsync("del", "--prefix", "a/"));
        Assert.Equal("", await RunAsync("get", "--prefix", "a/"));
    }

    [Fact]
    public async Task Runs_transactions()
    {
        await RunAsync("put", "a", "1");

        string output = await ToolProcess.RunAsync(
            "etcdctl", "value(\"a\") = \"1\"\n\nput b yes\nget a\n\nput b no\n\n", ["--endpoints", _store.Url.Authority, "txn"]);

        Assert.Equal("SUCCESS\n\nOK\n\na\n1\n", output);
        Assert.Equal("b\nyes\n", await RunAsync("get", "b"));
    }

    [Fact]
    public async Task Watches_the_past_and_the_present_with_the_pair_before()
    {
        await RunAsync("put", "a", "1");
        await RunAsync("put", "a", "2");
        await using ToolProcess watch = ToolProcess.Start(
            "etcdctl", "--endpoints", _store.Url.Authority, "watch", "--rev=2", "--prev-kv", "--prefix", "a");
        await Eventually.HoldsAsync(() => watch.Output.Contains("2\n", StringComparison.Ordinal), () => watch.Output);

        await RunAsync("del", "a");

        await Eventually.HoldsAsync(
            () => watch.Output == "PUT\na\n1\nPUT\na\n1\na\n2\nDELETE\na\n2\na\n\n",
            () => watch.Output);
    }

    [Fact]
    public async Task Grants_keeps_tells_and_revokes_leases()
    {
        string granted = await RunAsync("lease", "grant", "60");
        string id = granted.Split(' ')[1];
        Assert.Equal($"lease {id} granted with TTL(60s)\n", granted);
        await RunAsync("put", $"--lease={id}", "a", "1");

        Assert.Equal($"lease {id} keepalived with TTL(60)\n", await RunAsync("lease", "keep-alive", "--once", id));
        Assert.Matches($@"^lease {id} granted with TTL\(60s\), remaining\((59|60)s\), attached keys\(\[a\]\)\n$", await RunAsync("lease", "timetolive", "--keys", id));
        Assert.Equal($"found 1 leases\n{id}\n", await RunAsync("lease", "list"));
        Assert.Equal($"lease {id} revoked\n", await RunAsync("lease", "revoke", id));
        Assert.Equal("", await RunAsync("get", "a"));
        Assert.Equal($"lease {id} already expired\n", await RunAsync("lease", "timetolive", id));
    }

    [Fact]
    public async Task Keeps_a_lease_alive_by_its_stream()
    {
        string id = (await RunAsync("lease", "grant", "2")).Split(' ')[1];

        await using ToolProcess keeper = ToolProcess.Start("etcdctl", "--endpoints", _store.Url.Authority, "lease", "keep-alive", id);

        await Eventually.HoldsAsync(() => keeper.Output.Split("keepalived with TTL(2)").Length > 4, () => keeper.Output);
    }

    [Fact]
    public async Task Compacts()
    {
        await RunAsync("put", "a", "1");
        await RunAsync("put", "a", "2");

        Assert.Equal("compacted revision 3\n", await RunAsync("compaction", "3"));

        (int exitCode, string output) = await ToolProcess.TryRunAsync("etcdctl", "", "--endpoints", _store.Url.Authority, "get", "--rev=2", "a");
        Assert.NotEqual(0, exitCode);
        Assert.Contains("etcdserver: mvcc: required revision has been compacted", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lists_members_and_tells_status_and_health()
    {
        Assert.Matches(@"^[0-9a-f]+, started, m1, http://localhost:2380, http://127.0.0.1:12379, false\n$", await RunAsync("member", "list"));
        Assert.Matches($@"^{_store.Url.Authority}, [0-9a-f]+, 3\.5\.21, .*, true, false, \d+, \d+, \d+, *\n$", await RunAsync("endpoint", "status"));
        Assert.Matches($"^{_store.Url.Authority} is healthy: successfully committed proposal: took = .*\n$", await RunAsync("endpoint", "health"));
        Assert.Equal($"Finished defragmenting etcd member[{_store.Url.Authority}]\n", await RunAsync("defrag"));
        Assert.Equal("", await RunAsync("alarm", "list"));
    }

    /// <summary>Endpoints are often given as URLs; then some calls carry the whole URL as the authority.</summary>
    [Fact]
    public async Task Endpoints_may_be_URLs()
    {
        string url = $"http://{_store.Url.Authority}";
        string[] commands = ["put a 1", "get a", "endpoint status", "endpoint health", "endpoint hashkv", "member list", "defrag", "alarm disarm", "compaction 1"];
        foreach (string command in commands)
        {
            (int exitCode, string output) = await ToolProcess.TryRunAsync("etcdctl", "", ["--endpoints", url, .. command.Split(' ')]);
            Assert.True(exitCode == 0, $"etcdctl {command}: {output}");
        }
    }

    [Fact]
    public async Task Locks_and_elects_by_the_clients_own_recipes()
    {
        Assert.Equal("held\n", await RunAsync("lock", "mutex", "echo", "held"));
        await using ToolProcess candidate = ToolProcess.Start("etcdctl", "--endpoints", _store.Url.Authority, "elect", "seat", "me");

        await Eventually.HoldsAsync(() => candidate.Output.EndsWith("\nme\n", StringComparison.Ordinal), () => candidate.Output);
    }

    private Task<string> RunAsync(params string[] arguments) =>
        ToolProcess.RunAsync("etcdctl", "", ["--endpoints", _store.Url.Authority, .. arguments]);
}
