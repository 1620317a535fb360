using System.Globalization;

namespace Discovery.Store;

/// <summary>What options may be. Collects every problem, so that an operator corrects all of them at once.</summary>
internal sealed class StoreOptionsRules(StoreOptions options)
{
    /// <summary>What was found so far, each one line.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Everything that does not depend on whether there is data.</summary>
    public void Check()
    {
        CheckName();
        CheckListening("--listen-client-urls", options.ListenClientUrls);
        CheckUrls("--advertise-client-urls", options.AdvertiseClientUrls, PeerUrl.AdvertisedProblem);
        CheckListening("--listen-peer-urls", options.ListenPeerUrls);
        CheckUrls("--initial-advertise-peer-urls", options.InitialAdvertisePeerUrls, PeerUrl.Problem);
        CheckStateAndToken();
        CheckTimes();
        CheckSizes();
        CheckCompaction();
    }

    /// <summary>What the first members are to be; for a start without data.</summary>
    public void CheckCluster() => Problems.AddRange(InitialCluster.Parse(options.InitialCluster).Check(options));

    private void CheckName()
    {
        Check(
            options.Name.Length > 0 && !options.Name.AsSpan().ContainsAny(',', '='),
            $"--name is \"{options.Name}\"; wanted a text without ',' and '='");
        Check(!string.IsNullOrWhiteSpace(options.DataDir), "--data-dir is empty; wanted a folder");
    }

    private void CheckListening(string flag, IReadOnlyList<string> urls)
    {
        Check(urls.Count > 0, $"{flag} is empty; wanted at least one URL such as http://127.0.0.1:2379");
        CheckUrls(flag, urls, PeerUrl.ListeningProblem);
    }

    private void CheckUrls(string flag, IReadOnlyList<string> urls, Func<string, string?> problemOf)
    {
        foreach (string url in urls)
        {
            if (problemOf(url) is { } problem)
            {
                Problems.Add($"{flag} has \"{url}\"; {problem}");
            }
        }
    }

    private void CheckStateAndToken()
    {
        Check(
            options.InitialClusterState is "new" or "existing",
            $"--initial-cluster-state is \"{options.InitialClusterState}\"; wanted new or existing");
        Check(options.InitialClusterToken.Length > 0, "--initial-cluster-token is empty; wanted a text, such as etcd-cluster");
    }

    private void CheckTimes()
    {
        double heartbeat = options.HeartbeatInterval.TotalMilliseconds;
        Check(heartbeat is >= 10 and <= 10_000, $"--heartbeat-interval is {Text(heartbeat)} ms; wanted 10 to 10000");
        Check(
            options.ElectionTimeout >= options.HeartbeatInterval * 5 && options.ElectionTimeout <= TimeSpan.FromSeconds(50),
            $"--election-timeout is {Text(options.ElectionTimeout.TotalMilliseconds)} ms; wanted five times --heartbeat-interval ({Text(heartbeat * 5)}) to 50000");
        Check(
            options.WatchProgressNotifyInterval >= TimeSpan.FromMilliseconds(100),
            $"--experimental-watch-progress-notify-interval is {Text(options.WatchProgressNotifyInterval.TotalMilliseconds)} ms; wanted at least 100");

        static string Text(double milliseconds) => milliseconds.ToString("0.###", CultureInfo.InvariantCulture);
    }

    private void CheckSizes()
    {
        Check(options.SnapshotCount >= 1, $"--snapshot-count is {options.SnapshotCount}; wanted at least 1");
        Check(
            options.QuotaBackendBytes is 0 or >= 16 * 1024 * 1024,
            $"--quota-backend-bytes is {options.QuotaBackendBytes}; wanted 0 (the default) or at least 16777216");
        Check(options.HistoryBytes >= 1024 * 1024, $"--history-bytes is {options.HistoryBytes}; wanted at least 1048576");
        Check(options.MaxTxnOps >= 1, $"--max-txn-ops is {options.MaxTxnOps}; wanted at least 1");
        Check(
            options.MaxRequestBytes is >= 1024 and <= 64 * 1024 * 1024,
            $"--max-request-bytes is {options.MaxRequestBytes}; wanted 1024 to 67108864");
    }

    private void CheckCompaction()
    {
        if (options.AutoCompactionMode is not ("" or "periodic" or "revision"))
        {
            Problems.Add($"--auto-compaction-mode is \"{options.AutoCompactionMode}\"; wanted periodic or revision");
            return;
        }

        string retention = options.AutoCompactionRetention;
        if (retention.Length > 0 && StoreOptions.RetentionOf(options.AutoCompactionMode, retention) is null)
        {
            Problems.Add(options.AutoCompactionMode == "revision"
                ? $"--auto-compaction-retention is \"{retention}\"; wanted a number of revisions"
                : $"--auto-compaction-retention is \"{retention}\"; wanted a time such as 1h or 30m, or a number of hours");
        }
    }

    private void Check(bool holds, string problem)
    {
        if (!holds)
        {
            Problems.Add(problem);
        }
    }
}
