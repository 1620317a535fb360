using System.Diagnostics;
using System.Globalization;
using Discovery.Simulator.Report;

namespace Discovery.Simulator;

/// <summary>
/// Several processes that share the seeds: a simulation has one thread, so more cores need more of them, and processes
/// do not wait for each other's garbage collections.
/// </summary>
internal static class ParallelRun
{
    /// <summary>Runs this program with the arguments so many times, each with its share; says what all came to.</summary>
    public static async Task<Summary> RunAsync(string[] args, int jobs, CancellationToken cancellation)
    {
        var summary = new Summary();
        Task<string>[] running = [.. Enumerable.Range(0, jobs).Select(job => RunOneAsync(args, job, jobs, cancellation))];
        foreach (Task<string> one in running)
        {
            summary.Add(await one);
        }

        return summary;
    }

    private static async Task<string> RunOneAsync(string[] args, int job, int jobs, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ParallelRun).Assembly.Location);
        }

        foreach (string arg in args.Concat(["--json", $"--skip={job.ToString(CultureInfo.InvariantCulture)}", $"--step={jobs.ToString(CultureInfo.InvariantCulture)}"]))
        {
            start.ArgumentList.Add(arg);
        }

        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return output;
    }
}
