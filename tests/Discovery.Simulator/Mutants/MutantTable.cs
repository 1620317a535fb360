using System.Collections.Concurrent;
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

    private const int Neighbours = 5;
    private const int ControlSeeds = 40;

    /// <summary>Of the short form, for what the known seeds miss.</summary>
    private static readonly TimeSpan SpareTime = TimeSpan.FromSeconds(60);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly ConcurrentDictionary<long, bool> _tried = [];

    /// <summary>How many were found.</summary>
    public int FoundCount => Rows.Values.Count(static row => row.Found is not null);

    /// <summary>How many were not, and one more if the control is not clean.</summary>
    public int FailedCount => bugs.Count - FoundCount + (Control is { Violated.Count: 0 } ? 0 : 1);

    /// <summary>What was found, by the bug's name.</summary>
    public ConcurrentDictionary<string, HuntReport> Rows { get; } = [];

    /// <summary>What the code as it is shipped did on all these seeds.</summary>
    public HuntReport? Control { get; private set; }

    /// <summary>
    /// Each bug on the seeds that are known to find it, the control on all of those. Where something else has changed since
    /// they were noted, they may miss it: then it is looked for on the other seeds, as long as there is time.
    /// </summary>
    public async Task RunKnownAsync(IReadOnlyList<KnownSeeds> known, CancellationToken cancellation)
    {
        IReadOnlyList<long> KnownOf(PlantedBug bug) => known.FirstOrDefault(one => one.Mutant == bug.Name)?.Seeds ?? [];
        await HuntAsync(bugs, KnownOf, CancellationToken.None, cancellation);
        using var enough = new CancellationTokenSource(SpareTime);
        PlantedBug[] missed = [.. bugs.Where(bug => Rows[bug.Name].Found is null)];
        await HuntAsync(missed, bug => [.. AllSeeds.Except(KnownOf(bug))], enough.Token, cancellation);
        await ControlAsync(bugs.SelectMany(KnownOf), cancellation);
    }

    /// <summary>Each bug on all the fixed seeds until one finds it, the control on all of them.</summary>
    public async Task RunAllAsync(CancellationToken cancellation)
    {
        await HuntAsync(bugs, static _ => [.. AllSeeds], CancellationToken.None, cancellation);
        await ControlAsync(bugs.Count < PlantedBug.All.Count ? [] : AllSeeds, cancellation);
    }

    /// <summary>What is to be known from now on: of those that were not looked for what was known before.</summary>
    public IEnumerable<KnownSeeds> Merge(IReadOnlyList<KnownSeeds> before) =>
        from bug in PlantedBug.All
        let row = Rows.GetValueOrDefault(bug.Name)
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
        foreach (PlantedBug bug in bugs)
        {
            _ = text.AppendLine(culture, $"{bug.Name.PadRight(width)}  {bug.Text}");
            _ = text.AppendLine(culture, $"{new string(' ', width)}  {Found(Rows[bug.Name])}");
        }

        if (Control is { } control)
        {
            _ = text.AppendLine(culture, $"{"control".PadRight(width)}  {(control.Found is null ? "clean" : $"VIOLATED by seeds {string.Join(' ', control.Violated)}")}, {Effort(control)}");
        }

        int passed = bugs.Count + 1 - FailedCount;
        _ = text.AppendLine(culture, $"{FoundCount} of {bugs.Count} planted bugs found in {_watch.Elapsed.TotalSeconds:0} s");
        return text.Append(culture, $"{passed} passed, {FailedCount} failed").ToString();
    }

    private static IEnumerable<long> AllSeeds => Enumerable.Range(1, SeedsMax).Select(static seed => (long)seed);

    private async Task HuntAsync(
        IEnumerable<PlantedBug> wanted, Func<PlantedBug, IReadOnlyList<long>> seedsOf, CancellationToken enough, CancellationToken cancellation)
    {
        await Parallel.ForEachAsync(wanted, Options(cancellation), async (bug, token) =>
        {
            IReadOnlyList<long> seeds = seedsOf(bug);
            HuntReport row = seeds.Count == 0 ? new() { Mutant = bug.Name } : await HuntProcess.RunAsync(bug, seeds, enough, token);
            foreach (long seed in seeds.Take(row.Tried))
            {
                _tried[seed] = true;
            }

            Rows[bug.Name] = Rows.TryGetValue(bug.Name, out HuntReport? before) ? before.And(row) : row;
            await told.WriteLineAsync($"{bug.Name}: {Found(Rows[bug.Name])}");
        });
    }

    /// <summary>On all seeds that were run, and those given: a seed that finds a bug must find nothing without it.</summary>
    private async Task ControlAsync(IEnumerable<long> also, CancellationToken cancellation)
    {
        var parts = new ConcurrentBag<HuntReport>();
        await Parallel.ForEachAsync(_tried.Keys.Union(also).Order().Chunk(ControlSeeds), Options(cancellation), async (seeds, token) =>
        {
            HuntReport part = await HuntProcess.RunAsync(PlantedBug.None, seeds, CancellationToken.None, token);
            parts.Add(part);
            if (part.Text is not null)
            {
                await told.WriteLineAsync($"control: {part.Text}");
            }
        });
        HuntReport all = parts.Aggregate(new HuntReport { Mutant = PlantedBug.None.Name }, static (sum, part) => sum.And(part));
        Control = all with { Violated = [.. all.Violated.Order()] };
    }

    private ParallelOptions Options(CancellationToken cancellation) => new() { MaxDegreeOfParallelism = jobs, CancellationToken = cancellation };

    private static string Found(HuntReport row) =>
        row.Found is { } seed ? $"seed {seed}: {row.Checker}; {Effort(row)}" : $"NOT FOUND; {Effort(row)}";

    private static string Effort(HuntReport row) => string.Create(
        CultureInfo.InvariantCulture, $"{row.Tried} seeds, {row.SimulatedSeconds:0} simulated s in {row.WorkedSeconds:0.0} s");
}
