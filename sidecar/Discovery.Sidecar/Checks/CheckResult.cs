using System.Collections.Immutable;
using System.Text;
using Discovery.Catalog;

namespace Discovery.Sidecar.Checks;

/// <summary>A moment on both clocks: time that passes is measured on the steady one, and told on the other.</summary>
/// <param name="Steady">Since some start that is the same for all moments of a process.</param>
/// <param name="Wall">For records and people.</param>
internal readonly record struct Moment(TimeSpan Steady, DateTimeOffset Wall);

/// <summary>What one run found.</summary>
/// <param name="Status">Passing, warning or critical.</param>
/// <param name="Summary">One line that stays equal while nothing changes: no time, no count. It goes into the record.</param>
/// <param name="Output">Everything that was seen, at most <see cref="CheckLimits.Output"/> bytes; for the local API.</param>
internal sealed record CheckResult(Health Status, string Summary, string Output = "")
{
    /// <summary>A failure.</summary>
    public static CheckResult Critical(string summary, string output = "") => new(Health.Critical, summary, output);

    /// <summary>A success.</summary>
    public static CheckResult Passing(string summary, string output = "") => new(Health.Passing, summary, output);

    /// <summary>
    /// Text from a container as it may be shown: no control characters but line ends and tabs, which could steer a terminal,
    /// and at most so many bytes, cut between characters.
    /// </summary>
    public static string Clean(string text, int bytes)
    {
        var clean = new StringBuilder(Math.Min(text.Length, bytes));
        foreach (Rune rune in text.Trim().EnumerateRunes())
        {
            if (rune.Value == '\r')
            {
                continue;
            }

            bytes -= rune.Utf8SequenceLength;
            if (bytes < 0)
            {
                break;
            }

            clean.Append(Rune.IsControl(rune) && rune.Value is not ('\n' or '\t') ? "." : rune.ToString());
        }

        return clean.ToString();
    }

    /// <summary>The first line with something on it, for a summary.</summary>
    public static string FirstLine(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? "";
}

/// <summary>One run as history tells it.</summary>
/// <param name="At">When it ended.</param>
/// <param name="Status">What it found.</param>
/// <param name="Summary">At most <see cref="Limits.CheckOutput"/> bytes.</param>
/// <param name="Latency">How long it took.</param>
internal sealed record CheckRun(DateTimeOffset At, Health Status, string Summary, TimeSpan Latency);

/// <summary>What became different: the only thing that leaves the checks by itself.</summary>
/// <param name="ContainerId">Docker's full id.</param>
/// <param name="StartedAt">Of which run of the container, as <see cref="CheckRunner.Set"/> was told.</param>
/// <param name="Port">As <see cref="CheckSpec.Port"/>.</param>
/// <param name="Check">As it goes into the record.</param>
/// <param name="IsDeregistered">Whether it has been critical for longer than its instance may stay in the catalog.</param>
internal sealed record CheckChange(string ContainerId, DateTimeOffset? StartedAt, int? Port, InstanceCheck Check, bool IsDeregistered);

/// <summary>A check as the local API shows it.</summary>
internal sealed record CheckReport
{
    /// <summary>What was asked for, by which label, at which address and why there.</summary>
    public required CheckSpec Spec { get; init; }

    /// <summary>As in the record.</summary>
    public required InstanceCheck Check { get; init; }

    /// <summary>The newest run's whole output.</summary>
    public string Output { get; init; } = "";

    /// <summary>The newest failure's whole output; it outlives the failure.</summary>
    public string LastFailure { get; init; } = "";

    /// <summary>How long the newest run took; null before the first.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>Results in a row that speak against the present status; at the threshold it changes.</summary>
    public int InARow { get; init; }

    /// <summary>Whether the instance is out of the catalog because of it.</summary>
    public bool IsDeregistered { get; init; }

    /// <summary>The last runs, oldest first.</summary>
    public ImmutableArray<CheckRun> History { get; init; } = [];
}
