using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Discovery.Simulator.Mutants;

/// <summary>
/// Whether the simulator bites: every bug that others made, planted, must be found by the faults and clients that every seed
/// has, and the code as it is must be clean on the same seeds.
/// </summary>
/// <param name="bugs">Which are looked for.</param>
/// <param name="jobs">Processes at a time.</param>
/// <param name="told">Gets a line as soon as one is found.</param>
internal sealed class MutantTable(IReadOnlyList<PlantedBug> bugs, int jobs, TextWriter told)
{
    /// <summary>The seeds of the long form, fixed before anything was searched.</summary>
    public const int SeedsMax = 2000;

    /// <summary>Seeds of the short form for a bug that its known seeds miss, since something else has changed.</summary>
    private const int SeedsSpare = 40;

    private const int Neighbours = 5;
    private const int ControlSeeds = 40;

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>How many were found.</summary>
    public int FoundCount => Rows.Count(static row => row.Found is not null);

    /// <summary>How many were not, and one more if the control is not clean.</summary>
    public int FailedCount => Rows.Count - FoundCount + (Control is { Violated.Count: 0 } ? 0 : 1);

    /// <summary>What was found, in the order of the bugs.</summary>
    public IReadOnlyList<HuntReport> Rows { get; private set; } = [];

    /// <summary>What the code as it is shipped did on all these seeds.</summary>
    public HuntReport? Control { get; private set; }

    /// <summary>Each bug on the seeds that are known to find it, the control on all of those.</summary>
    public Task RunKnownAsync(IReadOnlyList<KnownSeeds> known, CancellationToken cancellation) => RunAsync(
        bug =>
        {
            long[] seeds = [.. known.Where(one => one.Mutant == bug.Name).SelectMany(static one => one.Seeds)];
            return [.. seeds, .. AllSeeds.Take(SeedsSpare).Except(seeds)];
        },
        cancellation);

    /// <summary>Each bug on all the fixed seeds until one finds it, the control on all of them.</summary>
    public Task RunAllAsync(CancellationToken cancellation) => RunAsync(static _ => [.. AllSeeds], cancellation);

    /// <summary>What is to be known from now on: of those that were not looked for what was known before.</summary>
    public IEnumerable<KnownSeeds> Merge(IReadOnlyList<KnownSeeds> before) =>
        from bug in PlantedBug.All
        let row = Rows.FirstOrDefault(row => row.Mutant == bug.Name)
        let known = row is { Found: { } seed }
            ? new KnownSeeds(bug.Name, [.. Enumerable.Range(0, Neighbours + 1).Select(i => seed + i)], row.Checker!)
            : before.FirstOrDefault(one => one.Mutant == bug.Name)
        where known is not null
        select known;

    /// <inheritdoc/>
    public override string ToString()
    {
        IFormatProvider culture = CultureInfo.InvariantCulture;
        int width = bugs.Max(static bug => bug.Name.Length);
        var text = new StringBuilder();
        foreach ((PlantedBug bug, HuntReport row) in bugs.Zip(Rows))
        {
            _ = text.AppendLine(culture, $"{bug.Name.PadRight(width)}  {bug.Text}");
            _ = text.AppendLine(culture, $"{new string(' ', width)}  {Found(row)}");
        }

        if (Control is { } control)
        {
            _ = text.AppendLine(culture, $"{"control".PadRight(width)}  {(control.Found is null ? "clean" : $"VIOLATED by seeds {string.Join(' ', control.Violated)}")}, {Effort(control)}");
        }

        int passed = Rows.Count + 1 - FailedCount;
        _ = text.AppendLine(culture, $"{FoundCount} of {Rows.Count} planted bugs found in {_watch.Elapsed.TotalSeconds:0} s");
        return text.Append(culture, $"{passed} passed, {FailedCount} failed").ToString();
    }

    private static IEnumerable<long> AllSeeds => Enumerable.Range(1, SeedsMax).Select(static seed => (long)seed);

    private async Task RunAsync(Func<PlantedBug, IReadOnlyCollection<long>> seedsOf, CancellationToken cancellation)
    {
        var rows = new HuntReport[bugs.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellation };
        await Parallel.ForAsync(0, rows.Length, options, async (i, token) =>
        {
            rows[i] = await HuntProcess.RunAsync(bugs[i], seedsOf(bugs[i]), token);
            await told.WriteLineAsync($"{bugs[i].Name}: {Found(rows[i])}");
        });
        Rows = rows;

        // On the seeds that were run, and no others: a seed that finds a bug must find nothing without it.
        IEnumerable<long> tried = bugs.Zip(rows).SelectMany(pair => seedsOf(pair.First).Take(pair.Second.Tried)).Distinct().Order();
        var control = new HuntReport { Mutant = PlantedBug.None.Name };
        await Parallel.ForEachAsync(tried.Chunk(ControlSeeds), options, async (seeds, token) =>
        {
            HuntReport part = await HuntProcess.RunAsync(PlantedBug.None, seeds, token);
            lock (_watch)
            {
                // Parts end in any order, on any thread.
                control = control.And(part);
            }

            if (part.Text is not null)
            {
                await told.WriteLineAsync($"control: {part.Text}");
            }
        });
        Control = control with { Violated = [.. control.Violated.Order()] };
    }

    private static string Found(HuntReport row) =>
        row.Found is { } seed ? $"seed {seed}: {row.Checker}; {Effort(row)}" : $"NOT FOUND; {Effort(row)}";

    private static string Effort(HuntReport row) => string.Create(
        CultureInfo.InvariantCulture, $"{row.Tried} seeds, {row.SimulatedSeconds:0} simulated s in {row.WorkedSeconds:0.0} s");
}
