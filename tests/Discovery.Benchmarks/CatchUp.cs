using System.Diagnostics;
using System.Globalization;
using Discovery.Testing;

namespace Discovery.Benchmarks;

/// <summary>
/// What it costs the leader that a member comes back after so many entries that it needs a snapshot: the times of a steady load
/// of puts on the leader before, and while the member catches up.
/// </summary>
internal sealed class CatchUp(StoreEngine engine, long entries, int valueBytes, int perSecond, double seconds)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Runs and prints.</summary>
    public async Task RunAsync(TextWriter output, CancellationToken cancellation)
    {
        await using RunningCluster cluster = await RunningCluster.StartAsync(new() { Engine = engine });
        RunningMember away = (await cluster.FollowersAsync())[0];
        RunningMember leader = await cluster.LeaderAsync();
        await away.KillAsync();
        PutResult fill = await PutLoad.EachKeyAsync([leader.ClientUrl], new PutShape(Clients: 100, Connections: 10, valueBytes, entries), cancellation);
        if (await cluster.LeaderAsync() != leader)
        {
            throw new InvalidOperationException($"The leader changed under the load; the measure says nothing then. Run it again\n{cluster.Tail}");
        }

        await using SteadyPuts load = SteadyPuts.Start(leader, perSecond, valueBytes);
        await PassAsync(cancellation);
        load.Take();
        await PassAsync(cancellation);
        Sample before = load.Take();

        long started = Stopwatch.GetTimestamp();
        away.StartAgain();
        await away.CaughtUpAsync(leader, Patience);
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        Sample during = load.Take();

        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"{engine}: {entries} entries of {valueBytes} B at {fill.PerSecond:0}/s ({fill.Failures} failed); then {perSecond} puts/s on the leader, {load.Failures} failed"));
        await output.WriteLineAsync(Line("before", before));
        await output.WriteLineAsync(Line("while catching up", during));
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"  p99 ratio {during.Percentile(0.99) / before.Percentile(0.99):0.00}; caught up after {took.TotalSeconds:0.0} s"));
    }

    private static string Line(string name, Sample sample) => string.Create(
        CultureInfo.InvariantCulture, $"  {name,-18} p50 {sample.Percentile(0.5):0.00} ms  p99 {sample.Percentile(0.99):0.00} ms  max {sample.Percentile(1):0.0} ms");

    private Task PassAsync(CancellationToken cancellation) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System, cancellation);
}
