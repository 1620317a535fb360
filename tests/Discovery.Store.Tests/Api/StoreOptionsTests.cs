namespace Discovery.Store.Tests.Api;

public sealed class StoreOptionsTests
{
    private static readonly StoreOptions Good = new() { DataDir = "/data" };

    [Fact]
    public void The_defaults_are_valid()
    {
        Assert.Empty(Good.Validate());
        Assert.Empty(Good.Warnings());
    }

    [Fact]
    public void What_the_documents_show_is_valid()
    {
        StoreOptions shown = Good with
        {
            Name = "etcd-m",
            InitialAdvertisePeerUrls = ["http://10.0.0.1:2380"],
            ListenPeerUrls = ["http://0.0.0.0:2380"],
            ListenClientUrls = ["http://0.0.0.0:2379", "http://0.0.0.0:4001"],
            AdvertiseClientUrls = ["http://10.0.0.1:2379"],
            InitialClusterToken = "etcd-cluster-1",
            InitialCluster = "etcd-m=http://10.0.0.1:2380",
            InitialClusterState = "new",
        };

        Assert.Empty(shown.Validate());
    }

    [Theory]
    [InlineData("https://127.0.0.1:2379", "https is not served by this version; wanted http")]
    [InlineData("127.0.0.1:2379", "wanted http://address:port")]
    [InlineData("ftp://127.0.0.1:2379", "wanted the scheme http, not ftp")]
    [InlineData("http://127.0.0.1", "wanted a port, such as http://127.0.0.1:2379")]
    [InlineData("http://127.0.0.1:2379/path", "wanted nothing after the port")]
    [InlineData("http://somewhere:2379", "wanted an IP address or localhost to listen on, not a name")]
    public void A_wrong_url_is_named_with_what_was_wanted(string url, string wanted)
    {
        string problem = Assert.Single((Good with { ListenClientUrls = [url] }).Validate());

        Assert.Equal($"--listen-client-urls has \"{url}\"; {wanted}", problem);
    }

    [Fact]
    public void Names_may_be_advertised_but_no_port_0()
    {
        Assert.Empty((Good with { AdvertiseClientUrls = ["http://host1:2379"], ListenClientUrls = ["http://[::1]:0"] }).Validate());
        Assert.Single((Good with { AdvertiseClientUrls = ["http://host1:0"] }).Validate());
    }

    [Fact]
    public void All_problems_are_told_at_once()
    {
        StoreOptions bad = Good with
        {
            Name = "a,b",
            DataDir = "",
            InitialClusterState = "old",
            InitialCluster = "nonsense",
            HeartbeatInterval = TimeSpan.Zero,
            ElectionTimeout = TimeSpan.FromMinutes(2),
            SnapshotCount = 0,
            QuotaBackendBytes = 1,
            HistoryBytes = 1,
            MaxTxnOps = 0,
            MaxRequestBytes = 1,
            WatchProgressNotifyInterval = TimeSpan.Zero,
            AutoCompactionMode = "sometimes",
        };

        IReadOnlyList<string> problems = bad.Validate();

        Assert.Equal(13, problems.Count);
        Assert.All(problems, problem => Assert.Matches("^--[a-z-]+ (is|has|names) .*; wanted .*$", problem));
    }

    [Theory]
    [InlineData("", "5", 18_000_000)]
    [InlineData("periodic", "30m", 1_800_000)]
    [InlineData("periodic", "10s", 10_000)]
    [InlineData("revision", "1000", 1_000)]
    [InlineData("revision", "1h", null)]
    [InlineData("periodic", "soon", null)]
    public void A_retention_is_a_time_or_a_count_by_its_mode(string mode, string text, int? wanted)
    {
        StoreOptions options = Good with { AutoCompactionMode = mode, AutoCompactionRetention = text };

        Assert.Equal(wanted, StoreOptions.RetentionOf(mode, text));
        Assert.Equal(wanted is null ? 1 : 0, options.Validate().Count);
    }
}
