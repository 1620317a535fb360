using Discovery.Testing;

namespace Discovery.EndToEnd.Tests.Setup;

/// <summary>A dashboard on a free port of loopback.</summary>
public sealed class RunningDashboard : IAsyncDisposable
{
    private readonly RunningProcess _process;

    private RunningDashboard(Uri store)
    {
        Url = new Uri($"http://127.0.0.1:{FreePort.Next()}");

        // Its static files are found beside the sources while it is not published, and only in this environment.
        _process = RunningProcess.Start(
            Programs.Dashboard,
            ["--store", $"etcd://{store.Authority}", "--urls", Url.OriginalString],
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development" },
            workingDirectory: Path.Combine(Repository.Root, "dashboard", "Discovery.Dashboard"));
    }

    /// <summary>Where a browser opens it.</summary>
    public Uri Url { get; }

    /// <summary>What it printed last.</summary>
    public string Tail => _process.Tail;

    /// <summary>Starts one and waits until it answers.</summary>
    public static async Task<RunningDashboard> StartAsync(Uri store)
    {
        var dashboard = new RunningDashboard(store);
        try
        {
            await WebProbe.AnswersAsync(new Uri(dashboard.Url, "/healthz"), dashboard._process);
            return dashboard;
        }
        catch
        {
            await dashboard.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
