using System.CommandLine;
using Discovery.Catalog.Programs;
using Discovery.Simulator;
using Discovery.Simulator.Mutants;
using Discovery.Simulator.Report;

Option<long> seed = Flags.Number("seed", 1, long.MinValue, long.MaxValue, "The one seed to run, or the first of --seconds");
Option<string?> seeds = Flags.Text("seeds", null, "The seeds A..B, both included");
Option<long> seconds = Flags.Number("seconds", 0, 0, 1_000_000, "Run seeds, one after the other from --seed on, for so many seconds of wall time");
Option<Duration> soak = Flags.Duration(
    "soak", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(30), TimeSpan.FromSeconds(1), "The same by a time such as 1h, from a seed that the clock gives");
Option<long> members = Flags.Number("members", 0, 0, 9, "Members at the start; 0 lets each seed choose");
Option<long> jobs = Flags.Number("jobs", 1, 1, 64, "Processes that share the seeds: one a core");
Option<bool> verbose = Flags.Switch("verbose", "Print every line of the trace");
Option<bool> json = Flags.Switch("json", "Print the summary as one JSON object");
Option<long> skip = Flags.Number("skip", 0, 0, 64, "Seeds to leave out at the beginning; --jobs sets it");
Option<long> step = Flags.Number("step", 1, 1, 64, "From one seed to the next; --jobs sets it");
Option<string?> mutant = Flags.Text("mutant", null, "Plant this bug; with --mutants look for it alone (needs a build with -c Mutants)");
Option<bool> mutants = Flags.Switch("mutants", "Look for every planted bug on the seeds that are known to find it");
Option<bool> isLong = Flags.Switch("long", $"With --mutants: on the seeds 1..{MutantTable.SeedsMax}");
Option<bool> write = Flags.Switch("write", "With --mutants: note in mutants.txt which seeds found what");
Option<string?> hunt = Flags.Text("hunt", null, "Seeds such as 1..5,9, until one finds the bug of --mutant; --mutants sets it");
var root = new RootCommand("Whole clusters of the store on one thread, each from one seed, with faults and checks")
{
    seed, seeds, seconds, soak, members, jobs, verbose, json, skip, step, mutant, mutants, isLong, write, hunt,
};
root.SetAction(async (parsed, cancellation) =>
{
    try
    {
        return await RunAsync(parsed, cancellation);
    }
    catch (FormatException e)
    {
        await Console.Error.WriteLineAsync(e.Message);
        return ExitCode.BadConfiguration;
    }
});
return await Flags.RunAsync(root, args, Console.Error);

async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
{
    PlantedBug bug = PlantedBug.Find(parsed.GetValue(mutant) ?? PlantedBug.None.Name);
    if (parsed.GetValue(mutants))
    {
        IReadOnlyList<PlantedBug> all = bug == PlantedBug.None ? PlantedBug.All : [bug];
        var table = new MutantTable(all, (int)parsed.GetValue(jobs), Console.Error);
        await (parsed.GetValue(isLong) ? table.RunAllAsync(cancellation) : table.RunKnownAsync(MutantFile.Read(), cancellation));
        if (parsed.GetValue(write))
        {
            MutantFile.Write(table.Merge(MutantFile.Read()));
        }

        await Console.Out.WriteLineAsync(table.ToString());
        return table.FailedCount == 0 ? ExitCode.Ok : ExitCode.Failed;
    }

    if (parsed.GetValue(hunt) is { } hunted)
    {
        new Hunt(bug, Console.Out).Run(SeedText.Read(hunted));
        return ExitCode.Ok;
    }

    bug.Plant();
    TimeSpan time = parsed.GetValue(soak).Time > TimeSpan.Zero ? parsed.GetValue(soak).Time : TimeSpan.FromSeconds(parsed.GetValue(seconds));
    long first = parsed.GetValue(soak).Time > TimeSpan.Zero && parsed.GetResult(seed) is null or { Implicit: true }
        ? TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() * 1000
        : parsed.GetValue(seed);
    var list = SeedList.From(parsed.GetValue(seeds), first, time > TimeSpan.Zero, (int)parsed.GetValue(skip), (int)parsed.GetValue(step));
    Summary summary;
    if (parsed.GetValue(jobs) > 1)
    {
        string[] shared = [$"--members={parsed.GetValue(members)}", $"--seconds={(long)time.TotalSeconds}"];
        shared = [.. shared, parsed.GetValue(seeds) is { } range ? $"--seeds={range}" : $"--seed={first}"];
        summary = await ParallelRun.RunAsync(shared, (int)parsed.GetValue(jobs), cancellation);
    }
    else
    {
        var runner = new SeedRunner((int)parsed.GetValue(members), parsed.GetValue(verbose) ? Console.Out.WriteLine : null);
        summary = runner.RunAll(list, time, Console.Error, cancellation);
    }

    await Console.Out.WriteLineAsync(parsed.GetValue(json) ? summary.ToJson() : summary.ToString());
    return summary.Violated.Count == 0 ? ExitCode.Ok : ExitCode.Failed;
}
