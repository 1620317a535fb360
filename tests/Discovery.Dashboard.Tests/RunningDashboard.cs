using System.Text.RegularExpressions;
using Discovery.Testing;

namespace Discovery.Dashboard.Tests;

/// <summary>The program as built, started from another folder than its own, on a port that the kernel chooses.</summary>
internal sealed partial class RunningDashboard : IAsyncDisposable
{
    private RunningDashboard(RunningProcess process) => Process = process;

    public RunningProcess Process { get; }

    public Uri Url { get; private set; } = null!;

    public static async Task<RunningDashboard> StartAsync(string store, int port = 0)
    {
        var dashboard = new RunningDashboard(RunningProcess.Start(
            Programs.Dashboard, ["--store", store, "--urls", $"http://127.0.0.1:{port}"], workingDirectory: Path.GetTempPath()));
        string line = await dashboard.Process.LineAsync("Dashboard of the store at");
        dashboard.Url = new Uri(Address().Match(line).Value);
        return dashboard;
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    [GeneratedRegex(@"http://127\.0\.0\.1:\d+")]
    private static partial Regex Address();
}
