namespace Discovery.Simulator.Report;

/// <summary>What became of one seed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="Members">Members at the start.</param>
/// <param name="Simulated">Simulated time.</param>
/// <param name="Worked">Time of a core.</param>
/// <param name="TraceHash">The same whenever the seed is run by the same program.</param>
/// <param name="Tally">What happened how often.</param>
/// <param name="Checker">Whose rule was broken (<see cref="Checks.Violation.Checker"/>); null when none was.</param>
/// <param name="Violation">What was broken, when, after which lines; null when nothing was.</param>
internal sealed record SeedReport(
    long Seed, int Members, TimeSpan Simulated, TimeSpan Worked, ulong TraceHash, Tally Tally, string? Checker, string? Violation);
