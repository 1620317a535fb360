using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Discovery.Catalog;
using Discovery.Catalog.Programs;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;
using Discovery.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Benchmarks;

/// <summary>
/// What checks cost this process: containers, each with a TCP and an HTTP check, that all pass. Their servers are a
/// process of their own, so that only asking is counted. Turns of equal length: idle once, then alternating the questions
/// alone, from a plain loop at the same rate, and the checks as they are shipped. What is beyond the questions is the
/// cost of loop, schedule and states.
/// </summary>
internal sealed class CheckCost(int containers, TimeSpan interval, TimeSpan sample, TimeSpan warmup, int pairs)
{
    private static readonly int Port = FreePort.Next();

    private readonly CheckSpec[][] _specs =
    [
        .. Enumerable.Range(1, containers).Select(number =>
        {
            var target = new CheckTarget(AddressOf(number).ToString(), Port, "benchmark");
            return new[]
            {
                new CheckSpec { Name = "tcp", Type = CheckType.Tcp, Target = target, Interval = interval },
                new CheckSpec { Name = "http", Type = CheckType.Http, Target = target, Path = "/healthz", Interval = interval },
            };
        }),
    ];

    /// <summary><c>check-cost</c>, and the servers that it starts.</summary>
    public static IEnumerable<Command> Commands()
    {
        Option<long> containers = Flags.Number("containers", 200, 1, 60_000, "Containers, each with two checks");
        Option<Duration> interval = Flags.Duration("interval", Seconds(5), Seconds(1), Seconds(600), Seconds(1), "Interval of every check");
        Option<Duration> sample = Flags.Duration("sample", Seconds(30), Seconds(1), Seconds(3_600), Seconds(1), "Length of each turn");
        Option<Duration> warmup = Flags.Duration("warmup", Seconds(10), Seconds(0), Seconds(600), Seconds(1), "Time before each turn that is not counted");
        Option<long> pairs = Flags.Number("pairs", 3, 1, 1_000, "Turns of either kind");
        var cost = new Command("check-cost", "Processor time and memory of the sidecar's own checks") { containers, interval, sample, warmup, pairs };
        cost.SetAction(async (parsed, cancellation) =>
        {
            await new CheckCost(
                (int)parsed.GetValue(containers), parsed.GetValue(interval), parsed.GetValue(sample), parsed.GetValue(warmup), (int)parsed.GetValue(pairs))
                .RunAsync(Console.Out, cancellation);
            return ExitCode.Ok;
        });
        Option<long> port = Flags.Number("port", 0, 1, 65_535, "Where each of them listens");
        var servers = new Command("check-servers", "The servers of check-cost; serves until its input ends") { containers, port };
        servers.SetAction(async (parsed, cancellation) =>
        {
            await ServeAsync((int)parsed.GetValue(containers), (int)parsed.GetValue(port), cancellation);
            return ExitCode.Ok;
        });
        return [cost, servers];

        static TimeSpan Seconds(int count) => TimeSpan.FromSeconds(count);
    }

    private static IPAddress AddressOf(int container) => new([127, 77, (byte)(container / 250), (byte)((container % 250) + 1)]);

    private static async Task ServeAsync(int containers, int port, CancellationToken cancellation)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            for (int number = 1; number <= containers; number++)
            {
                kestrel.Listen(AddressOf(number), port);
            }
        });
        await using WebApplication app = builder.Build();
        app.Run(static context => context.Response.WriteAsync("fine"));
        await app.StartAsync(cancellation);
        await Console.Out.WriteLineAsync("serving");
        await Console.In.ReadToEndAsync(cancellation);
    }

    private async Task RunAsync(TextWriter output, CancellationToken cancellation)
    {
        using var servers = Process.Start(new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList =
            {
                "check-servers", "--containers", containers.ToString(CultureInfo.InvariantCulture), "--port", Port.ToString(CultureInfo.InvariantCulture),
            },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        await servers.StandardOutput.ReadLineAsync(cancellation);
        double rate = 2 * containers / interval.TotalSeconds;
        await output.WriteLineAsync($"{containers} containers, {rate:0} checks a second; turns of {sample.TotalSeconds} s");
        using var docker = new DockerClient(DockerEndpoint.Parse(null));
        using var probes = new CheckProbes(docker);
        try
        {
            double idle = await MeasureAsync("idle", static _ => Task.CompletedTask, output, cancellation);
            double[] bare = new double[pairs], whole = new double[pairs];
            for (int i = 0; i < pairs; i++)
            {
                bare[i] = await MeasureAsync("questions alone", token => AskAsync(probes, rate, token), output, cancellation);
                whole[i] = await MeasureAsync("checks as shipped", token => CheckAsync(probes, token), output, cancellation);
            }

            Array.Sort(bare);
            Array.Sort(whole);
            double all = whole[pairs / 2] - idle;
            await output.WriteLineAsync(
                $"medians: beyond the questions {whole[pairs / 2] - bare[pairs / 2]:0.00} % of a core; in all {all:0.00} %, {all * 10_000 / rate:0} µs a check");
        }
        finally
        {
            servers.StandardInput.Close();
            await servers.WaitForExitAsync(cancellation);
        }
    }

    private async Task<double> MeasureAsync(string what, Func<CancellationToken, Task> work, TextWriter output, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task working = work(stop.Token);
        await Task.Delay(warmup, TimeProvider.System, cancellation);
        using var self = Process.GetCurrentProcess();
        TimeSpan cpu = self.TotalProcessorTime;
        long start = Stopwatch.GetTimestamp();
        long allocated = GC.GetTotalAllocatedBytes();
        await Task.Delay(sample, TimeProvider.System, cancellation);
        self.Refresh();
        double percent = (self.TotalProcessorTime - cpu) / Stopwatch.GetElapsedTime(start) * 100;
        double kilobytes = (GC.GetTotalAllocatedBytes() - allocated) / 1024.0 / sample.TotalSeconds;
        await output.WriteLineAsync(
            $"{what,-18} {percent:0.00} % of a core, {kilobytes:0} KiB allocated a second, {GC.GetTotalMemory(true) / 1048576.0:0.0} MiB live, {self.WorkingSet64 / 1048576} MiB resident");
        await stop.CancelAsync();
        await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return percent;
    }

    /// <summary>The same questions, as evenly, with nothing around them but their deadline.</summary>
    private async Task AskAsync(CheckProbes probes, double rate, CancellationToken cancellation)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        long start = Stopwatch.GetTimestamp();
        for (int number = 0; await beat.WaitForNextTickAsync(cancellation);)
        {
            // What is due by now: a timer that is late must not make the rate lower.
            for (int due = (int)(Stopwatch.GetElapsedTime(start).TotalSeconds * rate); number < due; number++)
            {
                _ = OneAsync(_specs[number / 2 % containers][number % 2]);
            }
        }

        async Task OneAsync(CheckSpec spec)
        {
            using var deadline = new CancellationTokenSource(spec.Timeout);
            CheckResult? result = await probes.AskAsync("", spec, deadline.Token);
            Debug.Assert(result?.Status == Health.Passing, "the servers answer");
        }
    }

    private async Task CheckAsync(CheckProbes probes, CancellationToken cancellation)
    {
        int changes = 0;
        var runner = new CheckRunner(probes, _ => changes++, TimeProvider.System, new Random(1), NullLogger<CheckRunner>.Instance);
        for (int i = 0; i < containers; i++)
        {
            runner.Set($"container-{i}", null, _specs[i].ToEquatableArray());
        }

        await runner.RunAsync(cancellation);
        if (changes != 2 * containers)
        {
            throw new InvalidOperationException($"{changes} changes were told, wanted {2 * containers}: each check passes, once and for ever");
        }
    }
}
