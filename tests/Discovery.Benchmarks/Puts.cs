using System.Diagnostics;
using System.Globalization;
using Discovery.Testing;

namespace Discovery.Benchmarks;

/// <summary>
/// Puts a second of whole clusters, ours and etcd in turn on the same machine, fsync on, as shipped. All clusters run all the time; the
/// one that is not measured only holds its heartbeats. First many clients, then one.
/// </summary>
internal sealed class Puts(IReadOnlyList<StoreEngine> engines)
{
    /// <summary>Above this share of its core the tool, not the store, was measured.</summary>
    private const double ToolBound = 0.9;

    public required int Members { get; init; }

    public required PutShape Shape { get; init; }

    public required double Seconds { get; init; }

    public required double Warmup { get; init; }

    public required int Pairs { get; init; }

    public string? ServerCores { get; init; }

    public string? ToolCores { get; init; }

    /// <summary>Runs and prints a line a sample, then the medians and their ratio.</summary>
    public async Task RunAsync(TextWriter output, CancellationToken cancellation)
    {
        if (ToolCores is not null)
        {
            // Threads to come inherit it from those that are.
            await RunningProcess.RunAsync("taskset", ["-acp", ToolCores, $"{Environment.ProcessId}"]);
        }

        List<(StoreEngine Engine, RunningCluster Cluster)> contenders = [];
        try
        {
            foreach (StoreEngine engine in engines)
            {
                contenders.Add((engine, await RunningCluster.StartAsync(new() { Engine = engine, Members = Members, Cores = ServerCores })));
            }

            await output.WriteLineAsync(
                $"puts: {Members} members, {Shape.ValueBytes} B, {Shape.Keys} keys, {Seconds} s a sample, {Environment.ProcessorCount} cores (servers: {ServerCores ?? "any"}, tool: {ToolCores ?? "any"})");
            foreach ((_, RunningCluster cluster) in contenders)
            {
                await PutLoad.ForAsync([.. cluster.Endpoints], Shape, TimeSpan.FromSeconds(Warmup), cancellation);
            }

            await MeasureAsync(contenders, Shape, output, cancellation);
            await MeasureAsync(contenders, Shape with { Clients = 1, Connections = 1 }, output, cancellation);
        }
        finally
        {
            foreach ((_, RunningCluster cluster) in contenders)
            {
                await cluster.DisposeAsync();
            }
        }
    }

    private async Task MeasureAsync(
        List<(StoreEngine Engine, RunningCluster Cluster)> contenders, PutShape shape, TextWriter output, CancellationToken cancellation)
    {
        await output.WriteLineAsync($"{shape.Clients} clients over {shape.Connections} connections");
        var rates = contenders.ToDictionary(static c => c.Engine, static _ => new List<double>());
        for (int pair = 0; pair < Pairs; pair++)
        {
            // Each goes first in turn: what the first leaves behind, the second meets.
            foreach ((StoreEngine engine, RunningCluster cluster) in pair % 2 == 0 ? contenders : contenders.AsEnumerable().Reverse())
            {
                TimeSpan before = Cpu(cluster);
                PutResult result = await PutLoad.ForAsync([.. cluster.Endpoints], shape, TimeSpan.FromSeconds(Seconds), cancellation);
                double cpuMicroseconds = (Cpu(cluster) - before).TotalMicroseconds / Math.Max(1, result.Milliseconds.Length);
                rates[engine].Add(result.PerSecond);
                await output.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {engine,-8} {result.PerSecond,8:0} puts/s  p50 {result.Percentile(0.5):0.00} ms  p99 {result.Percentile(0.99):0.00} ms  max {result.Percentile(1):0.0} ms  members' CPU {cpuMicroseconds:0} us/put  tool {result.ToolCpu:0%} of a core{(result.ToolCpu > ToolBound ? " TOOL-BOUND" : "")}{(result.Failures > 0 ? $"  {result.Failures} FAILED" : "")}"));
                if (result.Failures > 0)
                {
                    await output.WriteLineAsync(cluster.Tail);
                }
            }
        }

        foreach ((StoreEngine engine, List<double> all) in rates)
        {
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  median {engine,-8} {Median(all),8:0} puts/s"));
        }

        if (rates.Count == 2)
        {
            await output.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"  ours / etcd: {Median(rates[StoreEngine.Bundled]) / Median(rates[StoreEngine.Etcd]):0.00}"));
        }
    }

    private static double Median(List<double> all) => all.Order().ElementAt(all.Count / 2);

    private static TimeSpan Cpu(RunningCluster cluster) => cluster.Members.Aggregate(TimeSpan.Zero, static (sum, member) =>
    {
        using var process = Process.GetProcessById(member.ProcessId);
        return sum + process.TotalProcessorTime;
    });
}
