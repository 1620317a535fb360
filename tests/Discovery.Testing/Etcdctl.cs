namespace Discovery.Testing;

/// <summary>Debian's etcdctl, v3 API: the client that the store is measured by.</summary>
public sealed class Etcdctl(Uri store)
{
    /// <summary>Runs a command to its end.</summary>
    /// <returns>Standard output.</returns>
    /// <exception cref="InvalidOperationException">It ended with another code than 0; the message has its words.</exception>
    public async Task<string> RunAsync(params string[] arguments)
    {
        FinishedProcess finished = await TryAsync(arguments);
        return finished.ExitCode == 0
            ? finished.Output
            : throw new InvalidOperationException($"etcdctl {string.Join(' ', arguments)}: {finished.Error}{finished.Output}");
    }

    /// <summary>Runs a command to its end, whatever that is.</summary>
    public async Task<FinishedProcess> TryAsync(params string[] arguments)
    {
        await using RunningProcess process = Start(arguments);
        return await process.ExitAsync();
    }

    /// <summary>Starts a command that goes on, such as <c>watch</c>.</summary>
    public RunningProcess Start(params string[] arguments) => RunningProcess.Start(
        "etcdctl",
        [$"--endpoints={store.Authority}", .. arguments],
        new Dictionary<string, string?> { ["ETCDCTL_API"] = "3" });

    /// <summary>Runs a command that reads standard input, such as <c>txn</c>.</summary>
    public async Task<string> PipeAsync(string input, params string[] arguments)
    {
        // The shell gives the input, so that every program here is started without one.
        FinishedProcess finished = await RunningProcess.RunAsync(
            "/bin/sh",
            ["-c", "printf '%s' \"$1\" | { shift; exec etcdctl \"$@\"; }", "sh", input, $"--endpoints={store.Authority}", .. arguments],
            new Dictionary<string, string?> { ["ETCDCTL_API"] = "3" });
        return finished.ExitCode == 0
            ? finished.Output
            : throw new InvalidOperationException($"etcdctl {string.Join(' ', arguments)}: {finished.Error}{finished.Output}");
    }
}
