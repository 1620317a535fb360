using System.CommandLine;
using Discovery.Catalog.Programs;
using Discovery.Store;

namespace Discovery.Sidecar;

/// <summary>The store's flags, by etcd's names.</summary>
internal sealed class StoreFlags
{
    private static readonly StoreOptions Defaults = new() { DataDir = DefaultDataDir() };
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private readonly Option<string?> _name = Text("name", null, "name of this member; default: the host's");
    private readonly Option<string?> _dataDir = Text("data-dir", Defaults.DataDir, "folder of the store's log and snapshots");
    private readonly Option<string?> _listenClient = Text("listen-client-urls", string.Join(',', Defaults.ListenClientUrls), "where the store serves clients, comma-separated");
    private readonly Option<string?> _advertiseClient = Text("advertise-client-urls", null, "what clients are told to use; default: as --listen-client-urls");
    private readonly Option<string?> _listenPeer = Text("listen-peer-urls", string.Join(',', Defaults.ListenPeerUrls), "where the store serves its peers, comma-separated");
    private readonly Option<string?> _advertisePeer = Text("initial-advertise-peer-urls", null, "what peers are told to use; default: as --listen-peer-urls");
    private readonly Option<string?> _cluster = Text("initial-cluster", null, "the cluster's first members as name=peer-url, comma-separated; default: this one alone");
    private readonly Option<string?> _clusterState = Text("initial-cluster-state", Defaults.InitialClusterState, "new or existing");
    private readonly Option<string?> _clusterToken = Text("initial-cluster-token", Defaults.InitialClusterToken, "tells clusters with equal URLs apart");
    private readonly Option<Duration> _heartbeat = Flags.Duration(
        "heartbeat-interval", Defaults.HeartbeatInterval, TimeSpan.Zero, TimeSpan.FromMinutes(1), Millisecond,
        "one tick of the store's clock; a bare number is in ms", etcd: true);

    private readonly Option<Duration> _election = Flags.Duration(
        "election-timeout", Defaults.ElectionTimeout, TimeSpan.Zero, TimeSpan.FromMinutes(1), Millisecond,
        "silence after which another leader is chosen; a bare number is in ms", etcd: true);

    private readonly Option<long> _snapshotCount = Number("snapshot-count", Defaults.SnapshotCount, "log entries between snapshots");
    private readonly Option<long> _quota = Number("quota-backend-bytes", Defaults.QuotaBackendBytes, "live bytes above which writes are refused; 0: the default");
    private readonly Option<string?> _compactionMode = Text("auto-compaction-mode", null, "periodic or revision; default: by --history-bytes");
    private readonly Option<string?> _compactionRetention = Text("auto-compaction-retention", null, "how much history is kept: a time, hours or revisions");
    private readonly Option<long> _history = Number("history-bytes", Defaults.HistoryBytes, "how much superseded history is kept when no retention is given");
    private readonly Option<long> _txnOps = Number("max-txn-ops", Defaults.MaxTxnOps, "operations in one transaction");
    private readonly Option<long> _requestBytes = Number("max-request-bytes", Defaults.MaxRequestBytes, "the largest write");
    private readonly Option<Duration> _progress = Flags.Duration(
        "experimental-watch-progress-notify-interval", Defaults.WatchProgressNotifyInterval, TimeSpan.Zero, TimeSpan.FromDays(1), TimeSpan.FromSeconds(1),
        "how often an idle watch hears how far it is", etcd: true);


    /// <summary>All of them.</summary>
    public IEnumerable<Option> Options =>
    [
        _name, _dataDir, _listenClient, _advertiseClient, _listenPeer, _advertisePeer, _cluster, _clusterState, _clusterToken, _heartbeat,
        _election, _snapshotCount, _quota, _compactionMode, _compactionRetention, _history, _txnOps, _requestBytes, _progress,
    ];

    /// <summary>Reads and checks them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="host">The host's name: the member's, unless it was given one.</param>
    /// <param name="problems">Told what is wrong.</param>
    public StoreOptions Read(ParseResult parsed, string host, List<string> problems)
    {
        var options = new StoreOptions
        {
            Name = parsed.GetValue(_name) ?? host,
            DataDir = parsed.GetValue(_dataDir)!,
            ListenClientUrls = Urls(_listenClient),
            AdvertiseClientUrls = Urls(_advertiseClient),
            ListenPeerUrls = Urls(_listenPeer),
            InitialAdvertisePeerUrls = Urls(_advertisePeer),
            InitialCluster = parsed.GetValue(_cluster) ?? "",
            InitialClusterState = parsed.GetValue(_clusterState)!,
            InitialClusterToken = parsed.GetValue(_clusterToken)!,
            HeartbeatInterval = parsed.GetValue(_heartbeat),
            ElectionTimeout = parsed.GetValue(_election),
            SnapshotCount = parsed.GetValue(_snapshotCount),
            QuotaBackendBytes = parsed.GetValue(_quota),
            AutoCompactionMode = parsed.GetValue(_compactionMode) ?? "",
            AutoCompactionRetention = parsed.GetValue(_compactionRetention) ?? "",
            HistoryBytes = parsed.GetValue(_history),
            MaxTxnOps = (int)Math.Min(parsed.GetValue(_txnOps), int.MaxValue),
            MaxRequestBytes = (int)Math.Min(parsed.GetValue(_requestBytes), int.MaxValue),
            WatchProgressNotifyInterval = parsed.GetValue(_progress),
        };
        problems.AddRange(options.Validate(StoreServer.HasData(options)));
        return options;

        string[] Urls(Option<string?> flag) =>
            (parsed.GetValue(flag) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    private static string DefaultDataDir() => Environment.IsPrivilegedProcess
        ? "/var/lib/discovery"
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "discovery");

    private static Option<string?> Text(string name, string? fallback, string help) => Flags.Text(name, fallback, help, etcd: true);

    private static Option<long> Number(string name, long fallback, string help) =>
        Flags.Number(name, fallback, 0, long.MaxValue, help, etcd: true);
}
