using System.Text;
using Discovery.Simulator.Checks;
using Discovery.Simulator.Report;

namespace Discovery.Simulator;

/// <summary>Runs one seed and says what became of it.</summary>
/// <param name="members">Members at the start.</param>
/// <param name="reader">Gets every line of the trace as it happens; null for none.</param>
internal sealed class SeedRunner(int members, Action<string>? reader = null)
{
    private const int LinesShown = 60;

    /// <summary>Runs one seed after the other until none is left or time is up; violations are told as they come.</summary>
    public Summary RunAll(IEnumerable<long> seeds, TimeSpan time, TextWriter told, CancellationToken cancellation)
    {
        var summary = new Summary();
        foreach (long seed in seeds)
        {
            SeedReport report = Run(seed);
            summary.Add(report);
            if (report.Violation is not null)
            {
                told.WriteLine(report.Violation);
            }

            if (cancellation.IsCancellationRequested || (time > TimeSpan.Zero && summary.Elapsed > time))
            {
                break;
            }
        }

        return summary;
    }

    public SeedReport Run(long seed)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        SeedRun run = new(seed, members);
        run.Trace.Reader = reader;
        string? violation = null;
        string? checker = null;
        try
        {
            run.Run();
        }
        catch (Exception e)
        {
            violation = Describe(seed, run, e);
            checker = e is ViolationException broken ? broken.Violation.Checker : e.GetType().Name;
        }

        return new SeedReport(seed, members, run.Now, Environment.CpuUsage.TotalTime - before, run.Trace.Hash, run.Tally, checker, violation);
    }

    private string Describe(long seed, SeedRun run, Exception e)
    {
        var text = new StringBuilder();
        _ = text.AppendLine(null, $"seed {seed}, step {run.Steps}, {run.Now.TotalSeconds:0.000000} s: {e.Message}");
        for (Exception? cause = e is ViolationException ? null : e; cause is not null; cause = cause.InnerException)
        {
            _ = text.AppendLine(null, $"{cause.GetType().Name}: {cause.Message}").AppendLine(cause.StackTrace);
        }

        foreach (string line in run.Trace.Last(LinesShown))
        {
            _ = text.Append("  ").AppendLine(line);
        }

        return text.Append(null, $"replay: dotnet run -c Release --project tests/Discovery.Simulator -- --seed {seed} --members {members} --verbose").ToString();
    }
}
