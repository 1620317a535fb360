using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Store.Tests.Consensus;

/// <summary>How far the leader proposes to compact.</summary>
public sealed class HistoryPolicyTests
{
    private readonly KeyspaceState _keyspace = new();
    private ulong _index;

    [Fact]
    public void Young_and_small_history_is_kept()
    {
        HistoryPolicy policy = Policy();
        Write(20_000, bytes: 10);

        Assert.Null(policy.Target(_keyspace, At(0)));
        Assert.Null(policy.Target(_keyspace, At(59)));
    }

    [Fact]
    public void History_older_than_an_hour_goes_but_never_the_last_10000_revisions()
    {
        HistoryPolicy policy = Policy();
        Write(15_000, bytes: 10);
        Assert.Null(policy.Target(_keyspace, At(0)));

        Assert.Equal(15_001 - 10_000, policy.Target(_keyspace, At(61)));

        Write(30_000, bytes: 10);
        Assert.Equal(15_001, policy.Target(_keyspace, At(62)));
    }

    [Fact]
    public void History_beyond_its_bytes_goes_at_any_age()
    {
        HistoryPolicy policy = Policy(new StoreOptions { DataDir = "unused", HistoryBytes = 1024 * 1024 });
        Write(40_000, bytes: 100);

        long target = Assert.NotNull(policy.Target(_keyspace, At(0)));

        // 105 bytes a revision: 1 MiB holds 9,986, which the floor of 10,000 overrules.
        Assert.Equal(40_001 - 10_000, target);
    }

    [Fact]
    public void Little_gain_is_not_worth_an_entry()
    {
        HistoryPolicy policy = Policy();
        Write(10_900, bytes: 10);
        policy.Target(_keyspace, At(0));

        Assert.Null(policy.Target(_keyspace, At(61)));
    }

    [Fact]
    public void Etcds_flags_have_etcds_meaning()
    {
        Write(500, bytes: 10);
        HistoryPolicy byRevision = Policy(new StoreOptions
        {
            DataDir = "unused",
            AutoCompactionMode = "revision",
            AutoCompactionRetention = "100",
        });
        HistoryPolicy byTime = Policy(new StoreOptions
        {
            DataDir = "unused",
            AutoCompactionMode = "periodic",
            AutoCompactionRetention = "30m",
        });
        HistoryPolicy off = Policy(new StoreOptions { DataDir = "unused", AutoCompactionRetention = "0" });

        Assert.Equal(401, byRevision.Target(_keyspace, At(0)));
        Assert.Null(byTime.Target(_keyspace, At(0)));
        Assert.Equal(501, byTime.Target(_keyspace, At(30)));
        Assert.Null(off.Target(_keyspace, At(0)));
        Assert.Null(off.Target(_keyspace, At(10_000)));
    }

    private static HistoryPolicy Policy(StoreOptions? options = null) =>
        HistoryPolicy.From(options ?? new StoreOptions { DataDir = "unused" });

    private static TimeSpan At(double minutes) => TimeSpan.FromMinutes(minutes);

    private void Write(int revisions, int bytes)
    {
        var put = new PutRequest { Key = ByteString.CopyFromUtf8("a key"), Value = ByteString.CopyFrom(new byte[bytes]) };
        for (int i = 0; i < revisions; i++)
        {
            _keyspace.Apply(++_index, new Command(CommandKind.Put, put));
        }
    }
}
