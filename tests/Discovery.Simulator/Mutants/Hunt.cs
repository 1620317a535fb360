using System.Text.RegularExpressions;
using Discovery.Simulator.Report;

namespace Discovery.Simulator.Mutants;

/// <summary>Runs seeds with one bug planted until one finds it; without a bug all of them.</summary>
internal sealed partial class Hunt(PlantedBug bug, TextWriter told)
{
    /// <summary>
    /// A seed takes some tenths of a second. A bug may make the shipped code go round for ever, where no step is counted:
    /// after this much of the processor's time that is what was found.
    /// </summary>
    private static readonly TimeSpan ProcessorTimeMax = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private HuntReport _report = new() { Mutant = bug.Name };
    private long _seed;
    private TimeSpan _begun;

    /// <summary>Tells what it came to in the last line that it writes; a line with each seed before.</summary>
    public void Run(IEnumerable<long> seeds)
    {
        bug.Plant();
        using var watchdog = new Timer(_ => EndIfStuck(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        var runner = new SeedRunner(members: 0);
        foreach (long seed in seeds)
        {
            Begin(seed);
            SeedReport report = runner.Run(seed);
            End(report);
            if (report.Violation is not null && bug != PlantedBug.None)
            {
                break;
            }
        }

        told.WriteLine(_report.ToJson());
    }

    /// <summary>The rule's name without what differs from seed to seed.</summary>
    public static string NameOf(string checker) => MemberName().Replace(checker, "a member ends");

    private void Begin(long seed)
    {
        lock (_gate)
        {
            (_seed, _begun) = (seed, Environment.CpuUsage.TotalTime);
        }

        told.WriteLine(seed);
    }

    private void End(SeedReport report)
    {
        lock (_gate)
        {
            _report = _report.And(new HuntReport
            {
                Mutant = bug.Name,
                Tried = 1,
                Violated = report.Violation is null ? [] : [report.Seed],
                Checker = report.Checker is null ? null : NameOf(report.Checker),
                Text = report.Violation,
                SimulatedSeconds = report.Simulated.TotalSeconds,
                WorkedSeconds = report.Worked.TotalSeconds,
            });
            _begun = TimeSpan.MaxValue;
        }
    }

    private void EndIfStuck()
    {
        // Guards the report against the loop that makes it; a timer has no other way to look at it.
        lock (_gate)
        {
            if (_begun != TimeSpan.MaxValue && Environment.CpuUsage.TotalTime - _begun > ProcessorTimeMax)
            {
                var stuck = new HuntReport { Mutant = bug.Name, Tried = 1, Violated = [_seed], Checker = "the run never ends", Text = $"seed {_seed}: no end" };
                told.WriteLine(_report.And(stuck).ToJson());
                told.Flush();
                Environment.Exit(0);
            }
        }
    }

    [GeneratedRegex("^m[0-9]+ ends")]
    private static partial Regex MemberName();
}
