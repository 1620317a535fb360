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
    private ulong _traceHash;

    public int Seeds { get; private set; }

    public TimeSpan Simulated { get; private set; }

    /// <summary>Time of cores that worked for it, added up: a busy machine has less of it to give, but counts no other work.</summary>
    public TimeSpan Worked { get; private set; }

    public Tally Tally { get; } = new();

    public IReadOnlyList<long> Violated => _violated;

    /// <summary>Wall time so far.</summary>
    public TimeSpan Elapsed => _watch.Elapsed;

    public void Add(SeedReport seed)
    {
        Seeds++;
        Simulated += seed.Simulated;
        Worked += seed.Worked;
        Tally.Add(seed.Tally);
        _traceHash ^= seed.TraceHash;
        if (seed.Violation is not null)
        {
            _violated.Add(seed.Seed);
        }
    }

    /// <summary>Adds what another process printed by <see cref="ToJson"/>.</summary>
    public void Add(string json)
    {
        Totals other = JsonSerializer.Deserialize<Totals>(json) ?? throw new FormatException($"found no summary: {json}");
        Seeds += other.Seeds;
        Simulated += TimeSpan.FromSeconds(other.SimulatedSeconds);
        Worked += TimeSpan.FromSeconds(other.WorkedSeconds);
        Tally.Add(new Tally(other.Counts));
        _violated.AddRange(other.Violated);
        _traceHash ^= ulong.Parse(other.TraceHash, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    /// <summary>For people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        IFormatProvider culture = CultureInfo.InvariantCulture;
        double seconds = Math.Max(1, Simulated.TotalSeconds);
        double perSecond = Tally.Sum("operations ") / seconds;
        double perMinute = Tally.Sum("fault ") / (seconds / 60);
        double rate = seconds / Math.Max(0.001, Worked.TotalSeconds);
        _ = text.AppendLine(culture, $"{Seeds} seeds, {Simulated.TotalHours:0.00} simulated hours in {Elapsed.TotalSeconds:0.0} s; {rate:0} times real time on one core");
        _ = text.AppendLine(culture, $"{perSecond:0.0} operations a simulated second, {perMinute:0.0} faults a simulated minute, {Violated.Count} violations, trace {_traceHash:x16}");
        foreach ((string what, long count) in Tally.Counts)
        {
            _ = text.AppendLine(culture, $"  {what}: {count}");
        }

        if (Violated.Count > 0)
        {
            _ = text.AppendLine(culture, $"violated by seeds {string.Join(' ', Violated)}");
        }

        return text.ToString().TrimEnd();
    }

    /// <summary>For programs: one object on one line.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new Totals(Seeds, Simulated.TotalSeconds, Worked.TotalSeconds, $"{_traceHash:x16}", _violated, Tally.Counts));

    private sealed record Totals(
        int Seeds,
        double SimulatedSeconds,
        double WorkedSeconds,
        string TraceHash,
        IReadOnlyList<long> Violated,
        IReadOnlyDictionary<string, long> Counts);
}
