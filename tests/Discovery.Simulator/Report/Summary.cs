using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Discovery.Simulator.Report;

/// <summary>What all seeds of a run came to.</summary>
internal sealed class Summary
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly List<long> _violated = [];

    public int Seeds { get; private set; }

    public TimeSpan Simulated { get; private set; }

    public Tally Tally { get; } = new();

    public IReadOnlyList<long> Violated => _violated;

    /// <summary>Wall time.</summary>
    public TimeSpan Elapsed => _watch.Elapsed;

    public void Add(SeedReport seed)
    {
        Seeds++;
        Simulated += seed.Simulated;
        Tally.Add(seed.Tally);
        if (seed.Violation is not null)
        {
            _violated.Add(seed.Seed);
        }
    }

    /// <summary>For people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        IFormatProvider culture = CultureInfo.InvariantCulture;
        double seconds = Simulated.TotalSeconds;
        double perSecond = Tally.Sum("operations ") / Math.Max(1, seconds);
        double perMinute = Tally.Sum("fault ") / Math.Max(1, seconds / 60);
        _ = text.AppendLine(culture, $"{Seeds} seeds, {seconds:0} simulated seconds in {Elapsed.TotalSeconds:0.0} s: {seconds / Elapsed.TotalSeconds:0} times real time");
        _ = text.AppendLine(culture, $"{perSecond:0.0} operations a simulated second, {perMinute:0.0} faults a simulated minute, {Violated.Count} violations");
        foreach ((string what, long count) in Tally.Counts)
        {
            _ = text.AppendLine(culture, $"  {what}: {count}");
        }

        if (Violated.Count > 0)
        {
            _ = text.AppendLine(culture, $"violated by seeds {string.Join(' ', Violated)}");
        }

        return text.ToString();
    }

    /// <summary>For programs: one object.</summary>
    public string ToJson() => JsonSerializer.Serialize(new
    {
        seeds = Seeds,
        simulatedSeconds = Simulated.TotalSeconds,
        wallSeconds = Elapsed.TotalSeconds,
        violated = Violated,
        counts = Tally.Counts,
    });
}
