using System.Globalization;
using System.Net;

namespace Discovery.Store;

/// <summary>
/// Everything that can be set on a store, by etcd's names: <see cref="DataDir"/> is the flag <c>--data-dir</c>.
/// Call <see cref="Validate"/> before starting; a store is not started with options that have problems.
/// </summary>
public sealed record StoreOptions
{
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

    /// <summary><c>--listen-peer-urls</c>: where members are served. Default http://127.0.0.1:2380.</summary>
    public IReadOnlyList<string> ListenPeerUrls { get; init; } = ["http://127.0.0.1:2380"];

    /// <summary><c>--initial-advertise-peer-urls</c>: what members are told to use. Default (empty): the listening ones.</summary>
    public IReadOnlyList<string> InitialAdvertisePeerUrls { get; init; } = [];

    /// <summary>
    /// <c>--initial-cluster</c>: <c>name=peer-url</c>, comma-separated. Default (empty): this member alone. Ignored once
    /// there is data.
    /// </summary>
    public string InitialCluster { get; init; } = "";

    /// <summary><c>--initial-cluster-state</c>: <c>new</c> (default) or <c>existing</c>. Ignored once there is data.</summary>
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

    /// <summary>The election timeout in Raft's ticks.</summary>
    internal int ElectionTicks => (int)(ElectionTimeout / HeartbeatInterval * Limits.TicksPerHeartbeat);

    /// <summary>One tick of Raft's clock.</summary>
    internal TimeSpan TickInterval => HeartbeatInterval / Limits.TicksPerHeartbeat;

    /// <summary>What members are told to use.</summary>
    public IReadOnlyList<string> EffectiveAdvertisePeerUrls =>
        InitialAdvertisePeerUrls.Count > 0 ? InitialAdvertisePeerUrls : ListenPeerUrls;

    /// <summary>What clients are told to use.</summary>
    public IReadOnlyList<string> EffectiveAdvertiseClientUrls =>
        AdvertiseClientUrls.Count > 0 ? AdvertiseClientUrls : ListenClientUrls;

    /// <summary>Every problem, each one line: the flag, what was found, what was wanted. Empty when all is well.</summary>
    public IReadOnlyList<string> Validate()
    {
        var problems = new List<string>();
        CheckName(problems);
        CheckUrls(problems, "--listen-client-urls", ListenClientUrls, listen: true);
        CheckUrls(problems, "--advertise-client-urls", AdvertiseClientUrls, listen: false);
        CheckUrls(problems, "--listen-peer-urls", ListenPeerUrls, listen: true);
        CheckUrls(problems, "--initial-advertise-peer-urls", InitialAdvertisePeerUrls, listen: false);
        CheckCluster(problems);
        CheckTimes(problems);
        CheckSizes(problems);
        CheckCompaction(problems);
        return problems;
    }

    /// <summary>What is odd but works, each one line; for the log at start.</summary>
    public IReadOnlyList<string> Warnings()
    {
        var warnings = new List<string>();
        if (ClusterMembers() is [{ Name: var found }] && found != Name)
        {
            warnings.Add($"--initial-cluster calls this member {found}, --name says {Name}; {Name} is used (members are told apart by URL)");
        }

        return warnings;
    }

    private void CheckName(List<string> problems)
    {
        if (Name.Length == 0 || Name.AsSpan().ContainsAny(',', '='))
        {
            problems.Add($"--name is \"{Name}\"; wanted a text without ',' and '='");
        }

        if (string.IsNullOrWhiteSpace(DataDir))
        {
            problems.Add("--data-dir is empty; wanted a folder");
        }
    }

    private static void CheckUrls(List<string> problems, string flag, IReadOnlyList<string> urls, bool listen)
    {
        if (listen && urls.Count == 0)
        {
            problems.Add($"{flag} is empty; wanted at least one URL such as http://127.0.0.1:2379");
        }

        foreach (string url in urls)
        {
            if (UrlProblem(url, listen) is { } problem)
            {
                problems.Add($"{flag} has \"{url}\"; {problem}");
            }
        }
    }

    private static string? UrlProblem(string text, bool listen)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Host.Length == 0)
        {
            return "wanted http://address:port";
        }

        if (url.Scheme != Uri.UriSchemeHttp)
        {
            return url.Scheme == Uri.UriSchemeHttps
                ? "https is not served by this version; wanted http"
                : $"wanted the scheme http, not {url.Scheme}";
        }

        // Uri fills in port 80, so the text must tell whether one was written.
        if (!text.TrimEnd('/').EndsWith(string.Create(CultureInfo.InvariantCulture, $":{url.Port}"), StringComparison.Ordinal))
        {
            return url.PathAndQuery != "/" || url.Fragment.Length > 0 || url.UserInfo.Length > 0
                ? "wanted nothing after the port"
                : "wanted a port, such as http://127.0.0.1:2379";
        }

        if (url.UserInfo.Length > 0)
        {
            return "wanted no user in it";
        }

        if (listen)
        {
            return ListenAddress(url) is null ? "wanted an IP address or localhost to listen on, not a name" : null;
        }

        return url.Port == 0 ? "wanted a port above 0 to advertise" : null;
    }

    private void CheckCluster(List<string> problems)
    {
        if (InitialClusterState is not ("new" or "existing"))
        {
            problems.Add($"--initial-cluster-state is \"{InitialClusterState}\"; wanted new or existing");
        }

        if (InitialClusterToken.Length == 0)
        {
            problems.Add("--initial-cluster-token is empty; wanted a text, such as etcd-cluster");
        }

        if (InitialCluster.Length == 0)
        {
            return;
        }

        if (ClusterMembers() is not { } members)
        {
            problems.Add($"--initial-cluster is \"{InitialCluster}\"; wanted name=peer-url, comma-separated");
            return;
        }

        string[] names = [.. members.Select(static m => m.Name).Distinct(StringComparer.Ordinal)];
        if (names.Length > 1)
        {
            problems.Add($"--initial-cluster names {names.Length} members ({string.Join(", ", names)}); wanted this one alone: this version runs one member");
        }

        foreach (string url in EffectiveAdvertisePeerUrls)
        {
            if (!members.Any(m => SameUrl(m.Url, url)))
            {
                problems.Add($"--initial-cluster is \"{InitialCluster}\"; wanted {Name}={url} in it, as --initial-advertise-peer-urls says");
            }
        }
    }

    private void CheckTimes(List<string> problems)
    {
        if (HeartbeatInterval < TimeSpan.FromMilliseconds(10) || HeartbeatInterval > TimeSpan.FromSeconds(10))
        {
            problems.Add($"--heartbeat-interval is {HeartbeatInterval.TotalMilliseconds:0.###} ms; wanted 10 to 10000");
        }

        if (ElectionTimeout < HeartbeatInterval * 5 || ElectionTimeout > TimeSpan.FromSeconds(50))
        {
            problems.Add(
                $"--election-timeout is {ElectionTimeout.TotalMilliseconds:0.###} ms; wanted five times --heartbeat-interval "
                + $"({HeartbeatInterval.TotalMilliseconds * 5:0.###}) to 50000");
        }

        if (WatchProgressNotifyInterval < TimeSpan.FromMilliseconds(100))
        {
            problems.Add(
                $"--experimental-watch-progress-notify-interval is {WatchProgressNotifyInterval.TotalMilliseconds:0.###} ms; wanted at least 100");
        }
    }

    private void CheckSizes(List<string> problems)
    {
        Check(SnapshotCount >= 1, $"--snapshot-count is {SnapshotCount}; wanted at least 1");
        Check(
            QuotaBackendBytes is 0 or >= 16 * 1024 * 1024,
            $"--quota-backend-bytes is {QuotaBackendBytes}; wanted 0 (the default) or at least 16777216");
        Check(HistoryBytes >= 1024 * 1024, $"--history-bytes is {HistoryBytes}; wanted at least 1048576");
        Check(MaxTxnOps >= 1, $"--max-txn-ops is {MaxTxnOps}; wanted at least 1");
        Check(
            MaxRequestBytes is >= 1024 and <= 64 * 1024 * 1024,
            $"--max-request-bytes is {MaxRequestBytes}; wanted 1024 to 67108864");

        void Check(bool holds, string problem)
        {
            if (!holds)
            {
                problems.Add(problem);
            }
        }
    }

    private void CheckCompaction(List<string> problems)
    {
        if (AutoCompactionMode is not ("" or "periodic" or "revision"))
        {
            problems.Add($"--auto-compaction-mode is \"{AutoCompactionMode}\"; wanted periodic or revision");
            return;
        }

        if (AutoCompactionRetention.Length > 0 && RetentionOf(AutoCompactionMode, AutoCompactionRetention) is null)
        {
            problems.Add(AutoCompactionMode == "revision"
                ? $"--auto-compaction-retention is \"{AutoCompactionRetention}\"; wanted a number of revisions"
                : $"--auto-compaction-retention is \"{AutoCompactionRetention}\"; wanted a time such as 1h or 30m, or a number of hours");
        }
    }

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

    private List<(string Name, string Url)>? ClusterMembers()
    {
        var members = new List<(string, string)>();
        foreach (string part in InitialCluster.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int split = part.IndexOf('=', StringComparison.Ordinal);
            if (split <= 0 || !Uri.TryCreate(part[(split + 1)..], UriKind.Absolute, out _))
            {
                return null;
            }

            members.Add((part[..split], part[(split + 1)..]));
        }

        return members;
    }

    private static bool SameUrl(string left, string right) =>
        Uri.TryCreate(left, UriKind.Absolute, out Uri? a) && Uri.TryCreate(right, UriKind.Absolute, out Uri? b) && a == b;
}
