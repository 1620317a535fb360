using System.Diagnostics.CodeAnalysis;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Where the run stands. Its driver moves it; the checkers only read it, for their reports and deadlines. One is shared
/// by all checkers of a run.
/// </summary>
internal sealed class RunPosition
{
    /// <summary>Steps since the start; in a run of real processes, whatever the driver counts.</summary>
    public long Step { get; set; }

    /// <summary>True time since the start, as no member sees it: members' clocks may drift from it.</summary>
    public TimeSpan Now { get; set; }

    /// <summary>Reports that a rule is broken here.</summary>
    [DoesNotReturn]
    public void Fail(string checker, string text) => throw new ViolationException(new Violation(checker, text, Step, Now));
}
