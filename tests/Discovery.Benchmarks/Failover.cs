using System.Globalization;
using System.Text.RegularExpressions;
using Discovery.Catalog;
using Discovery.Testing;
using Discovery.Testing.Histories;

namespace Discovery.Benchmarks;

/// <summary>
/// How long writes stop when the leader is killed. Three members with etcd's default timeouts; one writer calls all of them in turn,
/// 250 ms a call; the leader is killed -9; the gap is from the last success before to the first after. Engines take turns, kill by
/// kill, while the others stand idle. At the end every acknowledged write must be in the history of every member.
/// </summary>
internal sealed class Failover(IReadOnlyList<StoreEngine> engines, int kills)
{
    /// <summary>A healthy time before each kill, so that no kill finds the elections of the last one.</summary>
    private static readonly TimeSpan Healthy = TimeSpan.FromSeconds(2);

    /// <summary>And a random time more, so that kills meet every phase of the heartbeat.</summary>
    private static readonly TimeSpan Phase = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs and prints a line an engine.</summary>
    public async Task RunAsync(TextWriter output, CancellationToken cancellation)
    {
        List<Contender> contenders = [];
        try
        {
            foreach (StoreEngine engine in engines)
            {
                contenders.Add(new(engine, await RunningCluster.StartAsync(new() { Engine = engine })));
            }

            for (int kill = 0; kill < kills; kill++)
            {
                foreach (Contender contender in contenders)
                {
                    cancellation.ThrowIfCancellationRequested();
                    await KillAsync(contender, cancellation);
                }
            }

            await output.WriteLineAsync($"leader killed {kills} times, 3 members, one writer with 250 ms a call, {Environment.ProcessorCount} cores");
            foreach (Contender contender in contenders)
            {
                await ReportAsync(contender, output);
            }
        }
        finally
        {
            foreach (Contender contender in contenders)
            {
                await contender.Cluster.DisposeAsync();
            }
        }
    }

    private static async Task KillAsync(Contender contender, CancellationToken cancellation)
    {
        await using FailoverWriter writer = FailoverWriter.Start(contender.Cluster.Endpoints, contender.Operations.Count);
        await Task.Delay(Healthy + (Phase * Random.Shared.NextDouble()), TimeProvider.System, cancellation);
        RunningMember leader = await contender.Cluster.LeaderAsync();
        long killed = TimeProvider.System.GetTimestamp();
        await leader.KillAsync();
        contender.Gaps.Add(await writer.LongestGapAsync(killed, dead: TimeProvider.System.GetTimestamp()));

        leader.StartAgain();
        await leader.AnswersAsync();
        await contender.Cluster.CaughtUpAsync();
        contender.Operations.AddRange(await writer.StopAsync());
    }

    private static async Task ReportAsync(Contender contender, TextWriter output)
    {
        using StoreClient client = contender.Cluster.NewClient();
        long mark = await ChangeReader.MarkEndAsync(client, FailoverWriter.Prefix);
        int violations = 0;
        foreach (RunningMember member in contender.Cluster.Members)
        {
            IReadOnlyList<Change> changes = await ChangeReader.ReadAsync(member.ClientUrl, FailoverWriter.Prefix, mark);
            violations += HistoryCheck.Violations(contender.Operations, changes).Count;
        }

        Sample gaps = contender.Gaps;
        int acknowledged = contender.Operations.Count(static o => o.IsChange);
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{contender.Engine,-8} gap ms: min {gaps.Percentile(0):0} p50 {gaps.Percentile(0.5):0} p90 {gaps.Percentile(0.9):0} max {gaps.Percentile(1):0}; {acknowledged} acknowledged, {violations} lost or wrong"));
        foreach (var error in contender.Operations.Where(static o => o.Error is not null).CountBy(static o => WithoutPort(o.Error!)).OrderByDescending(static e => e.Value))
        {
            await output.WriteLineAsync($"  {error.Value,6} × {error.Key}");
        }
    }

    private static string WithoutPort(string error) => Regex.Replace(error, @"127\.0\.0\.1:\d+", "member");

    /// <summary>One engine's cluster and what was seen of it.</summary>
    private sealed record Contender(StoreEngine Engine, RunningCluster Cluster)
    {
        public Sample Gaps { get; } = new("gap");

        public List<Operation> Operations { get; } = [];
    }
}
