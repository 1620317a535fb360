using System.Globalization;

namespace Discovery.Benchmarks;

/// <summary>Times of one kind, in milliseconds.</summary>
public sealed class Sample(string name)
{
    private readonly List<double> _milliseconds = [];

    /// <summary>What was timed.</summary>
    public string Name { get; } = name;

    /// <summary>Adds one.</summary>
    public void Add(TimeSpan time) => _milliseconds.Add(time.TotalMilliseconds);

    /// <summary>The smallest time that this share of all does not exceed (nearest rank).</summary>
    public double Percentile(double share)
    {
        List<double> sorted = [.. _milliseconds.Order()];
        return sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];
    }

    /// <summary>A table of samples; the ratios compare each median and p99 with the floor's.</summary>
    public static IEnumerable<string> Table(IReadOnlyList<Sample> samples, Sample floor)
    {
        int width = samples.Max(static s => s.Name.Length);
        yield return Row("", width, "p50 ms", "p99 ms", "max ms", "p50 ratio", "p99 ratio");
        foreach (Sample sample in samples)
        {
            double p50 = sample.Percentile(0.5), p99 = sample.Percentile(0.99);
            yield return Row(
                sample.Name, width, Format(p50), Format(p99), Format(sample.Percentile(1)),
                Format(p50 / floor.Percentile(0.5)), Format(p99 / floor.Percentile(0.99)));
        }
    }

    private static string Row(string name, int width, params string[] cells) =>
        name.PadRight(width) + string.Concat(cells.Select(static cell => cell.PadLeft(11)));

    private static string Format(double number) => number.ToString("0.0", CultureInfo.InvariantCulture);
}
