using System.Globalization;
using System.Net;
using Discovery.Store.Keyspace;

namespace Discovery.Store;

/// <summary>
/// Everything that can be set on a store, by etcd's names: <see cref="DataDir"/> is the flag <c>--data-dir</c>.
/// Call <see cref="Validate(bool)"/> before starting; a store is not started with options that have problems.
/// </summary>
public sealed record StoreOptions
{
    private static readonly string[] DefaultListenPeerUrls = ["http://localhost:2380"];

    /// <summary><c>--name</c>: what this member is called. Any text without ',' and '='. Default "default".</summary>
    public string Name { get; init; } = "default";

    /// <summary><c>--data-dir</c>: the folder that holds log and snapshots. Created when missing. No default.</summary>
    public required string DataDir { get; init; }

    /// <summary>
    /// <c>--listen-client-urls</c>: where clients are served; the host is an address or <c>localhost</c>, port 0 takes
    /// a free one. Default http://127.0.0.1:2379.
    /// </summary>
    public IReadOnlyList<string> ListenClientUrls { get; init; } = ["http://127.0.0.1:2379"];

    /// <summary><c>--advertise-client-urls</c>: what clients are told to use. Default (empty): the listening ones.</summary>
    public IReadOnlyList<string> AdvertiseClientUrls { get; init; } = [];

    /// <summary><c>--listen-peer-urls</c>: where members are served. Default http://localhost:2380.</summary>
    public IReadOnlyList<string> ListenPeerUrls { get; init; } = DefaultListenPeerUrls;

    /// <summary>
    /// <c>--initial-advertise-peer-urls</c>: what members are told to use. Default (empty): what <see cref="InitialCluster"/>
    /// says of this member, else the listening ones.
    /// </summary>
    public IReadOnlyList<string> InitialAdvertisePeerUrls { get; init; } = [];

    /// <summary>
    /// <c>--initial-cluster</c>: <c>name=peer-url</c>, comma-separated; a name that comes twice is one member with two URLs.
    /// Default (empty): this member alone. Ignored once there is data. See <see cref="Bootstrap"/>.
    /// </summary>
    public string InitialCluster { get; init; } = "";

    /// <summary>
    /// <c>--initial-cluster-state</c>: <c>new</c> (default) forms the cluster, <c>existing</c> joins one that runs and was
    /// told of this member. Ignored once there is data.
    /// </summary>
    public string InitialClusterState { get; init; } = "new";

    /// <summary><c>--initial-cluster-token</c>: keeps clusters with equal URLs apart. Default etcd-cluster.</summary>
    public string InitialClusterToken { get; init; } = "etcd-cluster";

    /// <summary><c>--heartbeat-interval</c>: one tick of Raft's clock. 10 ms to 10 s; default 100 ms.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// <c>--election-timeout</c>: silence after which a follower stands for election. At least five heartbeats, at most
    /// 50 s; default 1 s. The shortest lease is one and a half of it, rounded up to a second.
    /// </summary>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary><c>--snapshot-count</c>: log entries between snapshots. At least 1; default 10,000.</summary>
    public long SnapshotCount { get; init; } = 10_000;

    /// <summary>
    /// <c>--quota-backend-bytes</c>: live bytes above which writes are refused. 0 means the default, 2 GiB; else at
    /// least 16 MiB.
    /// </summary>
    public long QuotaBackendBytes { get; init; } = 2L * 1024 * 1024 * 1024;

    /// <summary>
    /// <c>--auto-compaction-mode</c>: <c>periodic</c> (retention is a time) or <c>revision</c> (a number of revisions).
    /// Default (empty): periodic when a retention is given, else history is kept by <see cref="HistoryBytes"/>.
    /// </summary>
    public string AutoCompactionMode { get; init; } = "";

    /// <summary>
    /// <c>--auto-compaction-retention</c>: <c>1h</c>, <c>30m</c> or a number (hours, or revisions by the mode). 0 turns
    /// compaction by retention off. Default (empty): by <see cref="HistoryBytes"/>.
    /// </summary>
    public string AutoCompactionRetention { get; init; } = "";

    /// <summary>
    /// <c>--history-bytes</c>: how much superseded history is kept when no retention is given. At least 1 MiB; default
    /// 64 MiB.
    /// </summary>
    public long HistoryBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary><c>--max-txn-ops</c>: compares, or operations of one branch, in a transaction. At least 1; default 128.</summary>
    public int MaxTxnOps { get; init; } = 128;

    /// <summary><c>--max-request-bytes</c>: the largest write, encoded. 1 KiB to 64 MiB; default 1.5 MiB.</summary>
    public int MaxRequestBytes { get; init; } = 3 * 512 * 1024;

    /// <summary>
    /// <c>--experimental-watch-progress-notify-interval</c>: how often an idle watch that asked for it hears how far it
    /// is. At least 100 ms; default 10 min.
    /// </summary>
    public TimeSpan WatchProgressNotifyInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Bytes of a log segment (<see cref="Limits.SegmentBytes"/>); the simulator takes small ones.</summary>
    internal int SegmentBytes { get; init; } = Limits.SegmentBytes;

    /// <summary>Applied entries kept in memory for followers that lag (<see cref="Limits.CatchUpEntries"/>).</summary>
    internal int CatchUpEntries { get; init; } = Limits.CatchUpEntries;

    /// <summary>Bytes kept for those that lag more (<see cref="Limits.LagBytes"/>).</summary>
    internal long LagBytes { get; init; } = Limits.LagBytes;

    /// <summary>How often a lease's remaining time is written down (<see cref="Limits.LeaseCheckpointInterval"/>).</summary>
    internal TimeSpan LeaseCheckpointInterval { get; init; } = Limits.LeaseCheckpointInterval;

    /// <summary>What this program can apply; the simulator runs members of older programs too.</summary>
    internal uint FeatureLevel { get; init; } = FeatureLevels.Latest;

    /// <summary>Whether the options name no other member.</summary>
    internal bool IsAlone => InitialClusterState == "new" && Discovery.Store.InitialCluster.Parse(InitialCluster).Members.Length <= 1;

    /// <summary>Whether nobody asked for peers: then a peer port that is taken is no reason not to start.</summary>
    internal bool MayLackPeers => IsAlone && ListenPeerUrls.SequenceEqual(DefaultListenPeerUrls);

    /// <summary>The election timeout in Raft's ticks.</summary>
    internal int ElectionTicks => (int)(ElectionTimeout / HeartbeatInterval * Limits.TicksPerHeartbeat);

    /// <summary>One tick of Raft's clock.</summary>
    internal TimeSpan TickInterval => HeartbeatInterval / Limits.TicksPerHeartbeat;

    /// <summary>What members are told to use.</summary>
    public IReadOnlyList<string> EffectiveAdvertisePeerUrls =>
        InitialAdvertisePeerUrls.Count > 0 ? [.. InitialAdvertisePeerUrls.Select(static url => url.TrimEnd('/'))]
        : Store.InitialCluster.Parse(InitialCluster).Self(this) is { } self ? self.PeerUrls
        : [.. ListenPeerUrls.Select(PeerUrl.ReachableFromHere)];

    /// <summary>What clients are told to use.</summary>
    public IReadOnlyList<string> EffectiveAdvertiseClientUrls =>
        AdvertiseClientUrls.Count > 0 ? AdvertiseClientUrls : ListenClientUrls;

    /// <summary>Every problem of a start on an empty data directory; see <see cref="Validate(bool)"/>.</summary>
    public IReadOnlyList<string> Validate() => Validate(hasData: false);

    /// <summary>Every problem, each one line: the flag, what was found, what was wanted. Empty when all is well.</summary>
    /// <param name="hasData">The data directory says who the members are: what <c>--initial-cluster</c> says is ignored.</param>
    public IReadOnlyList<string> Validate(bool hasData)
    {
        var rules = new StoreOptionsRules(this);
        rules.Check();
        if (!hasData)
        {
            rules.CheckCluster();
        }

        return rules.Problems;
    }

    /// <summary>What is odd but works, each one line; for the log at a start on an empty data directory.</summary>
    public IReadOnlyList<string> Warnings() => Store.InitialCluster.Parse(InitialCluster).Warnings(this);

    /// <summary>The retention as a count: revisions in mode revision, else milliseconds. Null when it cannot be read.</summary>
    internal static long? RetentionOf(string mode, string text)
    {
        ReadOnlySpan<char> number = text;
        long unit = 1;
        if (mode != "revision")
        {
            unit = text[^1] switch
            {
                's' => 1_000,
                'm' => 60_000,
                'h' => 3_600_000,
                >= '0' and <= '9' => 3_600_000,
                _ => 0,
            };
            number = char.IsAsciiDigit(text[^1]) ? number : number[..^1];
        }

        return unit > 0 && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count * unit : null;
    }

    /// <summary>The address to bind for a listening URL; null when the host is a name other than localhost.</summary>
    internal static IPAddress? ListenAddress(Uri url) =>
        url.Host == "localhost" ? IPAddress.Loopback
        : IPAddress.TryParse(url.Host.Trim('[', ']'), out IPAddress? address) ? address
        : null;
}
