using System.Diagnostics;

namespace Discovery.Simulator.Mutants;

/// <summary>A process of this program that hunts: what is planted is planted in a whole process, and may end it.</summary>
internal static class HuntProcess
{
    /// <summary>A bug may also eat memory until there is none.</summary>
    private const string HeapBytesMax = "0x80000000";

    /// <summary>Runs it and returns what it found; that it died is a finding too.</summary>
    /// <param name="bug">What is planted.</param>
    /// <param name="seeds">On which seeds, in their order.</param>
    /// <param name="enough">Then it is given up; what it found until then is nothing.</param>
    /// <param name="cancellation">Ends everything.</param>
    public static async Task<HuntReport> RunAsync(
        PlantedBug bug, IReadOnlyCollection<long> seeds, CancellationToken enough, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(typeof(HuntProcess).Assembly.Location);
        }

        start.ArgumentList.Add($"--mutant={bug.Name}");
        start.ArgumentList.Add($"--hunt={SeedText.Write(seeds)}");
        start.Environment["DOTNET_GCHeapHardLimit"] = HeapBytesMax;
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration end = enough.Register(process.Kill);
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellation);
        string last = "";
        int begun = 0;
        while (await process.StandardOutput.ReadLineAsync(cancellation) is { } line)
        {
            last = line;
            begun++;
        }

        await process.WaitForExitAsync(cancellation);
        if (enough.IsCancellationRequested && !last.StartsWith('{'))
        {
            return new HuntReport { Mutant = bug.Name, Tried = Math.Max(0, begun - 1) };
        }

        return last.StartsWith('{') ? HuntReport.FromJson(last) : Died(bug, last, process.ExitCode, await errors);
    }

    private static HuntReport Died(PlantedBug bug, string last, int exitCode, string errors) => long.TryParse(last, out long seed)
        ? new HuntReport { Mutant = bug.Name, Tried = 1, Violated = [seed], Checker = "the process dies", Text = $"seed {seed}: {errors}" }
        : throw new InvalidOperationException($"a hunt for {bug.Name} ended with {exitCode} before its first seed: {errors}");
}
