using System.Text.Json;

namespace Discovery.Simulator.Mutants;

/// <summary>What a search for one planted bug came to.</summary>
internal sealed record HuntReport
{
    /// <summary>The bug's name.</summary>
    public required string Mutant { get; init; }

    /// <summary>Seeds that were run.</summary>
    public int Tried { get; init; }

    /// <summary>Seeds that broke a promise; without a planted bug there must be none.</summary>
    public IReadOnlyList<long> Violated { get; init; } = [];

    /// <summary>The check that the first of them failed; null when there is none.</summary>
    public string? Checker { get; init; }

    /// <summary>What it said.</summary>
    public string? Text { get; init; }

    /// <summary>Simulated time, in seconds.</summary>
    public double SimulatedSeconds { get; init; }

    /// <summary>Wall time, in seconds.</summary>
    public double WorkedSeconds { get; init; }

    /// <summary>The first seed that found it; null when none did.</summary>
    public long? Found => Violated.Count > 0 ? Violated[0] : null;

    /// <summary>What both together came to; the first finding of this one counts.</summary>
    public HuntReport And(HuntReport later) => this with
    {
        Tried = Tried + later.Tried,
        Violated = [.. Violated, .. later.Violated],
        Checker = Checker ?? later.Checker,
        Text = Text ?? later.Text,
        SimulatedSeconds = SimulatedSeconds + later.SimulatedSeconds,
        WorkedSeconds = WorkedSeconds + later.WorkedSeconds,
    };

    /// <summary>On one line.</summary>
    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>Reads what <see cref="ToJson"/> made.</summary>
    public static HuntReport FromJson(string line) =>
        JsonSerializer.Deserialize<HuntReport>(line) ?? throw new FormatException($"found no report: {line}");
}
