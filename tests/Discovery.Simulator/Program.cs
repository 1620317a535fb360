using System.CommandLine;
using Discovery.Catalog.Programs;
using Discovery.Simulator;
using Discovery.Simulator.Report;

Option<long> seed = Flags.Number("seed", 0, long.MinValue, long.MaxValue, "The one seed to run, or the first of --seconds");
Option<string?> seeds = Flags.Text("seeds", null, "The seeds A..B, both included");
Option<long> seconds = Flags.Number("seconds", 0, 0, 1_000_000, "Run seeds, one after the other from --seed on, for so many seconds of wall time");
Option<Duration> soak = Flags.Duration("soak", TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromDays(30), TimeSpan.FromSeconds(1), "The same by a time such as 1h");
Option<long> members = Flags.Number("members", 0, 0, 9, "Members at the start; 0 lets each seed choose");
Option<bool> verbose = Flags.Switch("verbose", "Print every line of the trace");
Option<bool> json = Flags.Switch("json", "Print the summary as one JSON object");
var root = new RootCommand("Whole clusters of the store on one thread, each from one seed, with faults and checks")
{
    seed, seeds, seconds, soak, members, verbose, json,
};
root.SetAction(async (parsed, cancellation) =>
{
    var summary = new Summary();
    var runner = new SeedRunner((int)parsed.GetValue(members), parsed.GetValue(verbose) ? Console.Out.WriteLine : null);
    TimeSpan time = parsed.GetValue(soak) is { Time: var given } && given > TimeSpan.Zero ? given : TimeSpan.FromSeconds(parsed.GetValue(seconds));
    SeedList list = SeedList.From(parsed.GetValue(seeds), parsed.GetValue(seed), time > TimeSpan.Zero);
    foreach (long next in list)
    {
        SeedReport report = runner.Run(next);
        summary.Add(report);
        if (report.Violation is not null)
        {
            await Console.Error.WriteLineAsync(report.Violation);
        }

        if (cancellation.IsCancellationRequested || (time > TimeSpan.Zero && summary.Elapsed > time))
        {
            break;
        }
    }

    await Console.Out.WriteLineAsync(parsed.GetValue(json) ? summary.ToJson() : summary.ToString());
    return summary.Violated.Count == 0 ? ExitCode.Ok : ExitCode.Failed;
});
return await Flags.RunAsync(root, args, Console.Error);
