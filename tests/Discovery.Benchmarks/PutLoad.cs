using System.Diagnostics;

namespace Discovery.Benchmarks;

/// <summary>The form of a load of puts.</summary>
/// <param name="Clients">Puts under way at once.</param>
/// <param name="Connections">That carry them, dealt to the members in turn.</param>
/// <param name="ValueBytes">Of each put.</param>
/// <param name="Keys">Different keys of eight bytes.</param>
internal sealed record PutShape(int Clients, int Connections, int ValueBytes, long Keys);

/// <summary>What a load of puts saw.</summary>
/// <param name="PerSecond">Puts that succeeded.</param>
/// <param name="Milliseconds">Their times, sorted.</param>
/// <param name="Failures">Puts that were refused.</param>
/// <param name="ToolCpu">Share of one core that the load itself took.</param>
internal sealed record PutResult(double PerSecond, double[] Milliseconds, int Failures, double ToolCpu)
{
    /// <summary>The smallest time that this share of all does not exceed (nearest rank).</summary>
    public double Percentile(double share) => Milliseconds.Length == 0
        ? double.NaN
        : Milliseconds[Math.Clamp((int)Math.Ceiling(share * Milliseconds.Length) - 1, 0, Milliseconds.Length - 1)];
}

/// <summary>Runs connections beside each other.</summary>
internal static class PutLoad
{
    /// <summary>Random keys for a time.</summary>
    public static Task<PutResult> ForAsync(IReadOnlyList<Uri> members, PutShape shape, TimeSpan time, CancellationToken cancellation)
    {
        long end = Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency);
        return RunAsync(members, shape, () => Stopwatch.GetTimestamp() < end ? Random.Shared.NextInt64(shape.Keys) : null, cancellation);
    }

    /// <summary>Every key once.</summary>
    public static Task<PutResult> EachKeyAsync(IReadOnlyList<Uri> members, PutShape shape, CancellationToken cancellation)
    {
        long next = -1;
        return RunAsync(members, shape, () => Interlocked.Increment(ref next) is var key && key < shape.Keys ? key : null, cancellation);
    }

    private static async Task<PutResult> RunAsync(IReadOnlyList<Uri> members, PutShape shape, Func<long?> nextKey, CancellationToken cancellation)
    {
        int connections = Math.Min(shape.Connections, shape.Clients);
        PutConnection[] all = [.. Enumerable.Range(0, connections).Select(i => new PutConnection(members[i % members.Count], shape.ValueBytes))];
        try
        {
            TimeSpan cpu = Environment.CpuUsage.TotalTime;
            long started = Stopwatch.GetTimestamp();
            await Task.WhenAll(all.Select((connection, i) =>
                Task.Run(() => connection.RunAsync((shape.Clients + connections - 1 - i) / connections, nextKey, cancellation), cancellation)));
            TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
            cpu = Environment.CpuUsage.TotalTime - cpu;

            double[] times = [.. all.SelectMany(static c => c.Ticks).Select(static t => t * 1000.0 / Stopwatch.Frequency)];
            Array.Sort(times);
            return new(times.Length / elapsed.TotalSeconds, times, all.Sum(static c => c.Failures), cpu / elapsed);
        }
        finally
        {
            foreach (PutConnection connection in all)
            {
                connection.Dispose();
            }
        }
    }
}
