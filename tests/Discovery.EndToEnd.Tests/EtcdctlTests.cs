using Discovery.Testing;

namespace Discovery.EndToEnd.Tests;

/// <summary>Debian's etcdctl, used as etcd's own documentation uses it.</summary>
public abstract class EtcdctlTests(StoreEngine engine, string version) : IAsyncLifetime
{
    private RunningStore _store = null!;
    private Etcdctl _etcdctl = null!;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        _store = await RunningStore.StartAsync(engine);
        _etcdctl = new Etcdctl(_store.Url);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    [Fact]
    public async Task Put_get_and_del_by_prefix()
    {
        Assert.Equal("OK\n", await _etcdctl.RunAsync("put", "/a/1", "one"));
        await _etcdctl.RunAsync("put", "/a/2", "two");
        await _etcdctl.RunAsync("put", "/b/1", "other");

        Assert.Equal("/a/1\none\n/a/2\ntwo\n", await _etcdctl.RunAsync("get", "--prefix", "/a/"));
        string last = await _etcdctl.RunAsync("get", "--prefix", "/a/", "--keys-only", "--sort-by=KEY", "--order=DESCEND", "--limit=1");
        Assert.Equal("/a/2", last.Trim());
        Assert.Equal("2\n", await _etcdctl.RunAsync("del", "--prefix", "/a/"));
        Assert.Equal("", await _etcdctl.RunAsync("get", "--prefix", "/a/"));
    }

    [Fact]
    public async Task Watch_sees_puts_and_deletes_and_replays_from_a_revision()
    {
        await using RunningProcess watch = _etcdctl.Start("watch", "--prefix", "/w/", "--prev-kv");
        // A watch without a revision begins when it is created, and etcdctl does not say when: put until it is seen.
        int attempt = 0;
        await Eventually.HoldsAsync(
            async () =>
            {
                await _etcdctl.RunAsync("put", "/w/key", $"{attempt++}");
                return watch.Tail.Contains("PUT", StringComparison.Ordinal);
            },
            saw: () => watch.Tail);

        await _etcdctl.RunAsync("del", "/w/key");

        await watch.LineAsync("DELETE");
        await using RunningProcess replay = _etcdctl.Start("watch", "/w/key", "--rev=1");
        await replay.LineAsync("DELETE");
        Assert.Contains("PUT\n/w/key\n0\n", replay.Tail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Txn_takes_the_branch_that_its_comparison_chooses()
    {
        const string Txn = "value(\"lock\") = \"free\"\n\nput lock taken\n\nget lock\n\n";
        await _etcdctl.RunAsync("put", "lock", "free");

        Assert.Contains("SUCCESS", await _etcdctl.PipeAsync(Txn, "txn"), StringComparison.Ordinal);
        string second = await _etcdctl.PipeAsync(Txn, "txn");

        Assert.Contains("FAILURE", second, StringComparison.Ordinal);
        Assert.Contains("taken", second, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lease_takes_its_keys_along_when_it_is_revoked_or_ends()
    {
        string kept = await GrantAsync(seconds: 60);
        string ending = await GrantAsync(seconds: 1);
        await _etcdctl.RunAsync("put", "/l/kept", "1", $"--lease={kept}");
        await _etcdctl.RunAsync("put", "/l/ending", "1", $"--lease={ending}");
        Assert.Contains("/l/kept", await _etcdctl.RunAsync("lease", "timetolive", kept, "--keys"), StringComparison.Ordinal);

        await Eventually.HoldsAsync(async () => await _etcdctl.RunAsync("get", "/l/ending") == "");
        Assert.NotEqual("", await _etcdctl.RunAsync("get", "/l/kept"));
        await _etcdctl.RunAsync("lease", "revoke", kept);

        Assert.Equal("", await _etcdctl.RunAsync("get", "--prefix", "/l/"));
    }

    [Fact]
    public async Task Lease_lives_as_long_as_it_is_kept_alive()
    {
        string lease = await GrantAsync(seconds: 2);
        await _etcdctl.RunAsync("put", "/k/1", "1", $"--lease={lease}");

        await using (RunningProcess keepAlive = _etcdctl.Start("lease", "keep-alive", lease))
        {
            // Renewed at thirds of two seconds: five renewals outlive the lease as granted.
            await Eventually.HoldsAsync(() => keepAlive.Tail.Split("keepalived").Length > 5, saw: () => keepAlive.Tail);
            Assert.NotEqual("", await _etcdctl.RunAsync("get", "/k/1"));
        }

        await Eventually.HoldsAsync(async () => await _etcdctl.RunAsync("get", "/k/1") == "");
    }

    [Fact]
    public async Task Members_and_status_name_the_store()
    {
        Assert.Contains("m1", await _etcdctl.RunAsync("member", "list"), StringComparison.Ordinal);
        FinishedProcess health = await _etcdctl.TryAsync("endpoint", "health");
        Assert.Contains("is healthy", health.Output + health.Error, StringComparison.Ordinal);
        Assert.Contains($" {version},", await _etcdctl.RunAsync("endpoint", "status"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compacted_revision_is_refused_in_etcd_s_words()
    {
        await _etcdctl.RunAsync("put", "/c", "1");
        await _etcdctl.RunAsync("put", "/c", "2");
        await _etcdctl.RunAsync("put", "/c", "3");

        await _etcdctl.RunAsync("compact", "3");

        FinishedProcess refused = await _etcdctl.TryAsync("get", "/c", "--rev=2");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("required revision has been compacted", refused.Error, StringComparison.Ordinal);
    }

    /// <summary>What was answered is on disk: a kill -9 loses nothing, and revisions go on where they were.</summary>
    [Fact]
    public async Task Killed_store_has_everything_that_it_answered()
    {
        for (int i = 0; i < 20; i++)
        {
            await _etcdctl.RunAsync("put", $"/d/{i:00}", $"{i}");
        }

        string before = await _etcdctl.RunAsync("get", "--prefix", "/d/", "-w=fields");
        await _store.KillAsync();
        await _store.StartAgainAsync();

        Assert.Equal(Keys(before), Keys(await _etcdctl.RunAsync("get", "--prefix", "/d/", "-w=fields")));
        Assert.Equal(20, Keys(before).Count(static line => line.StartsWith("\"Key\"", StringComparison.Ordinal)));
    }

    private static string[] Keys(string fields) =>
        [.. fields.Split('\n').Where(static line => line.Length > 0 && !line.Contains("RaftTerm", StringComparison.Ordinal))];

    private async Task<string> GrantAsync(int seconds)
    {
        // "lease 694d7e1b2c9c0a05 granted with TTL(60s)"
        string answer = await _etcdctl.RunAsync("lease", "grant", $"{seconds}");
        return answer.Split(' ')[1];
    }
}

/// <summary>Against <c>discovery store</c>.</summary>
public sealed class EtcdctlOnBundledStoreTests() : EtcdctlTests(StoreEngine.Bundled, "3.5.21");

/// <summary>Against Debian's etcd: the proof that these tests expect what etcd does.</summary>
public sealed class EtcdctlOnEtcdTests() : EtcdctlTests(StoreEngine.Etcd, "3.4.23");
