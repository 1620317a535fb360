using System.Globalization;

namespace Discovery.Testing;

/// <summary>
/// A Docker engine of a test's own, beside whatever runs on the machine: own data, socket, process id file and bridge, no
/// packet filter (published ports are served by docker-proxy on loopback). Needs root. It can be killed and started again.
/// </summary>
public sealed class RunningDockerd : IAsyncDisposable
{
    private const string Program = "/usr/sbin/dockerd";

    /// <summary>From this release on an engine's id lies in its data; before, all engines of a machine share one.</summary>
    private const int OwnIdSince = 23;

    private readonly TempDirectory _folder = new();
    private readonly string _bridge;
    private readonly int _subnet;
    private readonly bool _liveRestore;
    private RunningProcess? _process;
    private bool _hasAnswered;

    private RunningDockerd(bool liveRestore)
    {
        // Names of interfaces end at 15 characters; subnets of two engines must differ.
        _subnet = Random.Shared.Next(1, 250);
        _bridge = $"dsc{Environment.ProcessId % 100_000}x{_subnet}";
        _liveRestore = liveRestore;
    }

    /// <summary>As in <c>DOCKER_HOST</c>.</summary>
    public string Host => $"unix://{_folder["docker.sock"]}";

    /// <summary>What it printed last.</summary>
    public string Tail => _process?.Tail ?? "not started";

    /// <summary>Starts one and waits until it answers.</summary>
    /// <param name="liveRestore">Whether containers go on while the engine is away.</param>
    public static async Task<RunningDockerd> StartAsync(bool liveRestore = false)
    {
        var engine = new RunningDockerd(liveRestore);
        try
        {
            await IpAsync("link", "add", engine._bridge, "type", "bridge");
            await IpAsync("addr", "add", $"10.213.{engine._subnet}.1/24", "dev", engine._bridge);
            await IpAsync("link", "set", engine._bridge, "up");
            await engine.StartAgainAsync();
            return engine;
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends it as a crash would. Without live restore its containers end when it starts again.</summary>
    public Task KillAsync() => _process!.KillAsync();

    /// <summary>Starts it on the data that it left, and waits until it answers.</summary>
    public async Task StartAgainAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        // A killed engine leaves process ids behind; while one of them is taken, or not yet reaped, the next engine does not start.
        File.Delete(_folder["pid"]);
        await EndContainerdAsync();
        await File.WriteAllTextAsync(
            _folder["daemon.json"],
            await IdIsOfTheMachineAsync() ? $$"""{"deprecated-key-path": "{{_folder["key.json"]}}"}""" : "{}");
        _process = RunningProcess.Start(
            Program,
            [
                "--data-root", _folder["data"], "--exec-root", _folder["exec"], "--pidfile", _folder["pid"],
                "-H", Host, "-b", _bridge, "--iptables=false", "--ip6tables=false",
                .. _liveRestore ? new[] { "--live-restore" } : [],
                "--config-file", _folder["daemon.json"],
            ]);
        await using var engine = new DockerEngine(Host);
        RunningProcess process = _process;
        await Eventually.HoldsAsync(
            async () => process.HasExited ? throw new ProcessEndedException(process.Tail) : await engine.AnswersAsync(),
            saw: () => process.Tail,
            what: "dockerd answers");
        _hasAnswered = true;
    }

    /// <summary>Stops it, its containers, and takes its bridge and data away.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await EndContainersAsync();
        }
        finally
        {
            if (_process is not null)
            {
                await _process.DisposeAsync();
            }

            await RunningProcess.RunAsync("ip", ["link", "del", _bridge]);
            await UnmountAsync();
            _folder.Dispose();
        }
    }

    /// <summary>An engine that never answered has none; one that was killed left theirs to supervisors that only a successor ends.</summary>
    private async Task EndContainersAsync()
    {
        if (!_hasAnswered)
        {
            return;
        }

        if (_process!.HasExited)
        {
            await StartAgainAsync();
        }

        await using var engine = new DockerEngine(Host);
        await engine.RemoveEveryContainerAsync();
    }

    /// <summary>The engine's containerd ends with it, but not always at once; the containers' own supervisors live on.</summary>
    private async Task EndContainerdAsync()
    {
        string idFile = _folder["exec/containerd/containerd.pid"];
        if (File.Exists(idFile) && int.TryParse(await File.ReadAllTextAsync(idFile), out int id))
        {
            string nameFile = $"/proc/{id}/comm";
            if (File.Exists(nameFile) && (await File.ReadAllTextAsync(nameFile)).Trim() == "containerd")
            {
                await RunningProcess.RunAsync("/bin/sh", ["-c", $"kill -KILL {id}"]);
            }

            File.Delete(idFile);
        }
    }

    /// <summary>A killed engine leaves mounts behind that its successor does not count as its own.</summary>
    private async Task UnmountAsync()
    {
        string[] mounts = [.. (await File.ReadAllLinesAsync("/proc/self/mounts"))
            .Select(static line => line.Split(' ')[1])
            .Where(path => path.StartsWith(_folder.Path + "/", StringComparison.Ordinal))
            .OrderByDescending(static path => path.Length)];
        if (mounts.Length > 0)
        {
            await RunningProcess.RunAsync("umount", ["-l", .. mounts]);
        }
    }

    private static async Task<bool> IdIsOfTheMachineAsync()
    {
        // "Docker version 20.10.24+dfsg1, build 297e128"
        string version = (await RunningProcess.RunAsync(Program, ["--version"])).Output;
        string major = version.Split(' ')[2].Split('.')[0];
        return int.Parse(major, CultureInfo.InvariantCulture) < OwnIdSince;
    }

    private static async Task IpAsync(params string[] arguments)
    {
        FinishedProcess finished = await RunningProcess.RunAsync("ip", arguments);
        if (finished.ExitCode != 0)
        {
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {finished.Error}A Docker engine of the tests' own needs root");
        }
    }
}
