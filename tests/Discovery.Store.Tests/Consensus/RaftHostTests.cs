using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Discovery.Store.Tests.Log;
using Discovery.Testing;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Store.Tests.Consensus;

/// <summary>The loop on a disk in memory: batches, what is answered when, restarts, failures, leases.</summary>
public sealed class RaftHostTests
{
    private static readonly StoreOptions Options = new() { DataDir = "unused", Name = "one" };

    [Fact]
    public async Task Put_is_applied_and_seen_by_the_view_when_it_is_answered()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk);

        CommandResult result = await Put(host, "a", "1");

        Assert.Equal(2, Assert.IsType<PutResponse>(result.Response).Header.Revision);
        Assert.Equal(2, host.View.Revision);
        Assert.Null(await host.ReadBarrierAsync(default));
        Assert.NotEqual(0UL, host.Status.Leader);
        Assert.Equal(host.Status.MemberId, host.View.Members.ById.Keys.Single());
        Assert.Equal("one", host.View.Members.ById.Values.Single().Name);
    }

    /// <summary>Goal: proposals that wait while the disk works go to it together. How: hold one sync, then let go.</summary>
    [Fact]
    public async Task Proposals_that_wait_share_one_sync()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk);
        using var hold = new ManualResetEventSlim();
        disk.Hold = hold;

        Task<CommandResult> first = Put(host, "first", "1").AsTask();
        int views = 0;
        host.ViewChanged = _ => views++;
        Task<CommandResult>[] others = [.. Enumerable.Range(0, 500).Select(i => Put(host, $"k{i}", "1").AsTask())];
        int before = disk.LogSyncs;
        hold.Set();
        await Task.WhenAll([first, .. others]);

        Assert.InRange(disk.LogSyncs - before, 1, 3);
        Assert.InRange(views, 1, 3);
        Assert.Equal(501, host.View.Revision - 1);
    }

    [Fact]
    public async Task Nothing_is_answered_or_visible_before_the_sync()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk);
        using var hold = new ManualResetEventSlim();
        disk.Hold = hold;

        Task<CommandResult> put = Put(host, "a", "1").AsTask();
        await Eventually.HoldsAsync(() => Contains(disk, "a-marker-1"), () => put.Status);

        Assert.False(put.IsCompleted);
        Assert.Equal(1, host.View.Revision);
        Assert.False(Contains(disk.Copy(syncedOnly: true), "a-marker-1"));

        hold.Set();
        Assert.Null((await put).Error);
    }

    /// <summary>Goal: a power cut at any moment loses nothing that was answered. How: open what was synced, each time.</summary>
    [Fact]
    public async Task Power_cut_after_an_answer_loses_nothing()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk);
        for (int i = 0; i < 20; i++)
        {
            await Put(host, $"k{i}", $"{i}");

            await using RaftHost after = Open(disk.Copy(syncedOnly: true));

            Assert.Equal(host.View.Revision, after.View.Revision);
            Assert.Equal($"{i}", Get(after, $"k{i}"));
        }
    }

    [Fact]
    public async Task Restart_keeps_revision_values_history_leases_and_identity()
    {
        var disk = new MemoryDisk();
        StoreStatus before;
        await using (RaftHost host = Open(disk))
        {
            await host.ProposeAsync(new Command(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 60 }), default);
            await Put(host, "a", "1", lease: 7);
            await Put(host, "a", "2", lease: 7);
            await Put(host, "b", "3");
            before = host.Status;
        }

        await using RaftHost again = Open(disk);

        Assert.Equal(4, again.View.Revision);
        Assert.Equal(("a-marker-2", "b-marker-3"), (Raw(again, "a", 0), Raw(again, "b", 0)));
        Assert.Equal("a-marker-1", Raw(again, "a", revision: 2));
        Assert.True(again.View.TryGetLease(7, out LeaseView? lease));
        Assert.Equal((60, "a"), (lease.GrantedTtl, lease.Keys.Single().ToStringUtf8()));
        Assert.Equal(60, await again.RemainingSecondsAsync(7, default));
        Assert.Equal((before.ClusterId, before.MemberId, before.Term + 1), (again.Status.ClusterId, again.Status.MemberId, again.Status.Term));
        Assert.Equal(5, Assert.IsType<PutResponse>((await Put(again, "c", "1")).Response).Header.Revision);
    }

    [Fact]
    public async Task Restart_from_a_snapshot_and_the_log_after_it_is_the_same_as_without()
    {
        var disk = new MemoryDisk();
        string content;
        await using (RaftHost host = Open(disk, Options with { SnapshotCount = 50 }))
        {
            await host.ProposeAsync(new Command(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 60 }), default);
            for (int i = 0; i < 400; i++)
            {
                await Put(host, $"k{i % 30}", $"{i}", lease: i % 3 == 0 ? 7 : 0);
                if (i == 200)
                {
                    await host.ProposeAsync(new Command(CommandKind.Compact, new CompactionRequest { Revision = 150 }), default);
                }
            }

            await Eventually.HoldsAsync(() => Snapshots(disk).Count == 2, () => string.Join(' ', disk.Paths));
            content = Content(host.View);
        }

        await using RaftHost again = Open(disk);

        Assert.Equal(content, Content(again.View));
    }

    [Fact]
    public async Task Damaged_newest_snapshot_is_passed_over_for_the_one_before()
    {
        var disk = new MemoryDisk();
        string content;
        await using (RaftHost host = Open(disk, Options with { SnapshotCount = 20 }))
        {
            for (int i = 0; i < 300; i++)
            {
                await Put(host, $"k{i % 30}", $"{i}");
            }

            await Eventually.HoldsAsync(() => Snapshots(disk).Count == 2, () => string.Join(' ', disk.Paths));
            content = Content(host.View);
        }

        byte[] bytes = disk.Bytes(Snapshots(disk)[^1]);
        bytes[bytes.Length / 2] ^= 1;
        disk.SetBytes(Snapshots(disk)[^1], bytes);

        await using (RaftHost again = Open(disk))
        {
            Assert.Equal(content, Content(again.View));
        }

        foreach (string path in Snapshots(disk))
        {
            disk.SetBytes(path, disk.Bytes(path)[..^1]);
        }

        // The log still reaches back to the first entry.
        await using RaftHost fromLog = Open(disk);
        Assert.Equal(content, Content(fromLog.View));
    }

    [Fact]
    public async Task Only_member_whose_snapshots_are_damaged_and_whose_log_begins_later_is_refused()
    {
        var disk = new MemoryDisk();
        await using (RaftHost host = Open(disk, Options with { SnapshotCount = 20, SegmentBytes = 4096 }))
        {
            for (int i = 0; i < 10_000 && disk.Paths.Contains("member/wal/0000000000000000-0000000000000001.wal"); i++)
            {
                await Put(host, $"k{i % 30}", $"{i}");
            }
        }

        foreach (string path in Snapshots(disk))
        {
            disk.SetBytes(path, disk.Bytes(path)[..^1]);
        }

        string[] before = [.. disk.Paths];
        string message = Assert.Throws<StoreDataException>(() => Open(disk)).Message;
        Assert.Contains("wanted 1, after the newest usable snapshot: segments are missing", message, StringComparison.Ordinal);
        Assert.Contains("restore the member from a snapshot or a backup", message, StringComparison.Ordinal);
        Assert.Equal(before, disk.Paths);
    }

    [Fact]
    public async Task Failed_sync_ends_the_host_and_nothing_is_told_to_have_succeeded()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk);
        await Put(host, "a", "1");
        disk.Failure = new IOException("no space left on device");

        CommandResult lost = await Put(host, "b", "1");

        Assert.Equal(EtcdError.Stopped, lost.Error);
        Assert.Equal("no space left on device", (await Assert.ThrowsAsync<IOException>(() => host.Completion)).Message);
        Assert.Equal(2, host.View.Revision);
        disk.Failure = null;
        Assert.Equal(EtcdError.Stopped, (await Put(host, "c", "1")).Error);
        Assert.Equal(EtcdError.Stopped, await host.ReadBarrierAsync(default));
    }

    [Fact]
    public async Task Full_inbox_refuses_at_once()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk);
        using var hold = new ManualResetEventSlim();
        disk.Hold = hold;
        Task<CommandResult> first = Put(host, "first", "1").AsTask();
        await Eventually.HoldsAsync(() => Contains(disk, "first-marker-1"));

        Task<CommandResult>[] waiting = [.. Enumerable.Range(0, Limits.InboxLength).Select(i => Put(host, "k", "1").AsTask())];
        CommandResult refused = await Put(host, "k", "1");
        hold.Set();

        Assert.Equal(EtcdError.TooManyRequests, refused.Error);
        Assert.All(await Task.WhenAll([first, .. waiting]), result => Assert.Null(result.Error));
    }

    [Fact]
    public async Task Wrong_and_oversized_commands_never_enter_the_log()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk, Options with { MaxRequestBytes = 1024, QuotaBackendBytes = 16 * 1024 * 1024, MaxTxnOps = 1 });
        ulong before = host.Status.CommitIndex;

        Assert.Equal(EtcdError.EmptyKey, (await Put(host, "", "1")).Error);
        Assert.Equal(EtcdError.RequestTooLarge, (await Put(host, "a", new string('x', 2000))).Error);
        var txn = new TxnRequest { Success = { new RequestOp { RequestRange = new RangeRequest { Key = ByteString.CopyFromUtf8("a") } } } };
        txn.Success.Add(txn.Success[0]);
        Assert.Equal(EtcdError.TooManyOps, (await host.ProposeAsync(new Command(CommandKind.Txn, txn), default)).Error);

        Assert.Equal(before, host.Status.CommitIndex);
    }

    [Fact]
    public async Task Above_the_quota_writes_are_refused_and_deletions_are_not()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk, Options with { QuotaBackendBytes = 1000 });
        await Put(host, "a", new string('x', 900));

        Assert.Equal(EtcdError.NoSpace, (await Put(host, "b", new string('x', 200))).Error);
        await host.ProposeAsync(new Command(CommandKind.DeleteRange, new DeleteRangeRequest { Key = ByteString.CopyFromUtf8("a") }), default);
        Assert.Null((await Put(host, "b", new string('x', 200))).Error);
    }

    [Fact]
    public async Task Granted_lease_gets_an_id_and_at_least_the_shortest_time()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk);

        var grants = new List<LeaseGrantResponse>();
        for (int i = 0; i < 3; i++)
        {
            CommandResult result = await host.ProposeAsync(new Command(CommandKind.LeaseGrant, new LeaseGrantRequest { TTL = 1 }), default);
            grants.Add(Assert.IsType<LeaseGrantResponse>(result.Response));
        }

        Assert.All(grants, grant => Assert.True(grant is { ID: > 0, TTL: 2 }));
        Assert.Equal(3, grants.Select(grant => grant.ID).Distinct().Count());
    }

    [Fact]
    public async Task Lease_ends_by_the_leaders_clock_unless_it_is_renewed()
    {
        var disk = new MemoryDisk();
        var clock = new ManualTimeProvider();
        await using RaftHost host = Open(disk, clock: clock);
        await host.ProposeAsync(new Command(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 10 }), default);
        await Put(host, "a", "1", lease: 7);

        await PassAsync(host, clock, seconds: 9);
        Assert.Equal(1, await host.RemainingSecondsAsync(7, default));
        Assert.Equal(10, await host.KeepAliveAsync(7, default));
        await PassAsync(host, clock, seconds: 9);
        Assert.Equal("1", Get(host, "a"));

        await PassAsync(host, clock, seconds: 2);
        await Eventually.HoldsAsync(() => !host.View.TryGetLease(7, out _), () => host.View.Revision);
        Assert.Null(Raw(host, "a", 0));
        Assert.Equal(3, host.View.Revision);
        Assert.Equal(0, await host.KeepAliveAsync(7, default));
        Assert.Equal(-1, await host.RemainingSecondsAsync(7, default));
    }

    /// <summary>etcd issue 15247: a leader that stood still revoked every lease when it went on.</summary>
    [Fact]
    public async Task Pause_of_the_process_ends_no_lease()
    {
        var clock = new ManualTimeProvider();
        await using RaftHost host = Open(new MemoryDisk(), clock: clock);
        await host.ProposeAsync(new Command(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 10 }), default);

        clock.Advance(TimeSpan.FromSeconds(30));
        await host.KeepAliveAsync(99, default);

        Assert.Equal(9, await host.RemainingSecondsAsync(7, default));
        await PassAsync(host, clock, seconds: 10);
        await Eventually.HoldsAsync(() => !host.View.TryGetLease(7, out _), () => host.View.Revision);
    }

    [Fact]
    public async Task Restarted_store_gives_each_lease_its_full_time_again()
    {
        var disk = new MemoryDisk();
        var clock = new ManualTimeProvider();
        await using (RaftHost host = Open(disk, clock: clock))
        {
            await host.ProposeAsync(new Command(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 10 }), default);
            await PassAsync(host, clock, seconds: 8);
            Assert.Equal(2, await host.RemainingSecondsAsync(7, default));
        }

        await using RaftHost again = Open(disk, clock: clock);

        Assert.Equal(10, await again.RemainingSecondsAsync(7, default));
    }

    [Fact]
    public async Task Renewals_write_nothing_to_the_log()
    {
        var disk = new MemoryDisk();
        await using RaftHost host = Open(disk);
        await host.ProposeAsync(new Command(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 10 }), default);
        await Eventually.HoldsAsync(() => host.View.Members.FeatureLevel == FeatureLevels.Latest, () => "the member has not said what it is");
        (ulong Commit, int Syncs) before = (host.Status.CommitIndex, disk.LogSyncs);

        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(10, await host.KeepAliveAsync(7, default));
        }

        Assert.Equal(before, (host.Status.CommitIndex, disk.LogSyncs));
    }

    [Fact]
    public async Task Stopped_host_says_so()
    {
        var disk = new MemoryDisk();
        RaftHost host = Open(disk);
        await host.DisposeAsync();

        await host.Completion;
        Assert.Equal(EtcdError.Stopped, (await Put(host, "a", "1")).Error);
    }

    [Fact]
    public async Task Second_store_on_one_directory_is_refused_and_names_it()
    {
        string folder = Directory.CreateTempSubdirectory("store-lock").FullName;
        StoreOptions options = Options with { DataDir = folder };
        await using (RaftHost.Open(options, TimeProvider.System, NullLoggerFactory.Instance))
        {
            var e = Assert.Throws<StoreDataException>(() => RaftHost.Open(options, TimeProvider.System, NullLoggerFactory.Instance));
            Assert.Contains(folder, e.Message, StringComparison.Ordinal);
            Assert.Contains("another store", e.Message, StringComparison.Ordinal);
        }

        await RaftHost.Open(options, TimeProvider.System, NullLoggerFactory.Instance).DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Real_disk_keeps_what_was_answered()
    {
        string folder = Directory.CreateTempSubdirectory("store-real").FullName;
        StoreOptions options = Options with { DataDir = Path.Combine(folder, "data") };
        await using (RaftHost host = RaftHost.Open(options, TimeProvider.System, NullLoggerFactory.Instance))
        {
            await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => Put(host, $"k{i}", $"{i}").AsTask()));
        }

        await using (RaftHost again = RaftHost.Open(options, TimeProvider.System, NullLoggerFactory.Instance))
        {
            Assert.Equal(1001, again.View.Revision);
            Assert.Equal("999", Get(again, "k999"));
            Assert.True(again.Status.DataBytes > 0);
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Directory_that_cannot_be_made_is_one_line()
    {
        string file = Path.GetTempFileName();

        var e = Assert.Throws<StoreDataException>(() =>
            RaftHost.Open(Options with { DataDir = Path.Combine(file, "data") }, TimeProvider.System, NullLoggerFactory.Instance));

        Assert.StartsWith($"--data-dir {file}/data cannot be made", e.Message, StringComparison.Ordinal);
        File.Delete(file);
    }

    /// <summary>Lets time pass as a running process sees it: the loop looks at the clock in between.</summary>
    private static async Task PassAsync(RaftHost host, ManualTimeProvider clock, int seconds)
    {
        for (int i = 0; i < 2 * seconds; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(0.5));
            await host.KeepAliveAsync(99, default);
        }
    }

    private static RaftHost Open(MemoryDisk disk, StoreOptions? options = null, TimeProvider? clock = null) =>
        RaftHost.Open(options ?? Options, clock ?? TimeProvider.System, NullLoggerFactory.Instance, disk);

    private static ValueTask<CommandResult> Put(RaftHost host, string key, string value, long lease = 0) =>
        host.ProposeAsync(
            new Command(
                CommandKind.Put,
                new PutRequest
                {
                    Key = ByteString.CopyFromUtf8(key),
                    Value = ByteString.CopyFromUtf8($"{key}-marker-{value}"),
                    Lease = lease,
                }),
            default);

    private static string? Raw(RaftHost host, string key, long revision) =>
        host.View.Range(new RangeRequest { Key = ByteString.CopyFromUtf8(key), Revision = revision }).Kvs.SingleOrDefault()?.Value.ToStringUtf8();

    private static string? Get(RaftHost host, string key) => Raw(host, key, 0)?.Split('-')[^1];

    private static string Content(KeyspaceView view)
    {
        RangeResponse all = view.Range(new RangeRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0) });
        IEnumerable<string> events = view.EventsFrom(view.CompactedRevision)
            .SelectMany(r => r.Events.Select(e => $"{r.Revision} {e.Kv} {e.Previous}"));
        IEnumerable<string> leases = view.LeaseIds.Select(id =>
            view.TryGetLease(id, out LeaseView? lease) ? $"{id} {lease.GrantedTtl} {string.Join(',', lease.Keys.Select(k => k.ToStringUtf8()))}" : "");
        return string.Join('\n', [$"{view.Revision} {view.CompactedRevision} {view.LiveBytes}", all.ToString(), .. events, .. leases]);
    }

    private static List<string> Snapshots(MemoryDisk disk) =>
        [.. disk.Paths.Where(path => path.EndsWith(".snap", StringComparison.Ordinal))];

    private static bool Contains(MemoryDisk disk, string text) =>
        disk.Paths.Where(path => path.EndsWith(".wal", StringComparison.Ordinal))
            .Any(path => disk.Bytes(path).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(text)) >= 0);
}
