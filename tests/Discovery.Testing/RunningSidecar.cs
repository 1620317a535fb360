using System.Net;

namespace Discovery.Testing;

/// <summary>
/// A sidecar of one host, as an operator starts it; with the store inside unless another is named. It keeps its data and
/// ports over restarts.
/// </summary>
public sealed class RunningSidecar : IAsyncDisposable
{
    private readonly TempDirectory _data = new();
    private readonly string _docker;
    private readonly IReadOnlyList<string> _flags;
    private readonly Uri _admin;
    private RunningProcess? _process;

    private RunningSidecar(string docker, string host, string? store, IEnumerable<string> flags)
    {
        _docker = docker;
        Host = host;
        _admin = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        Store = new Uri(store is null ? $"http://127.0.0.1:{FreePort.Next()}" : $"http://{store["etcd://".Length..]}");
        string peer = $"http://127.0.0.1:{FreePort.Next()}";

        // Registrator's spelling on purpose: one dash.
        _flags =
        [
            "-ip", "127.0.0.1", "--host", host, "--admin-url", _admin.OriginalString, "--data-dir", _data["data"],
            .. store is null
                ? new[]
                {
                    "--listen-client-urls", Store.OriginalString, "--advertise-client-urls", Store.OriginalString,
                    "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                }
                : ["--store", store],
            .. flags,
        ];
    }

    /// <summary>The host's name in the catalog.</summary>
    public string Host { get; }

    /// <summary>Where clients reach the store that it registers in.</summary>
    public Uri Store { get; }

    /// <summary>What it printed last.</summary>
    public string Tail => _process?.Tail ?? "not started";

    /// <summary>Starts one and waits until it is ready: engine read, everything registered.</summary>
    /// <param name="docker">The engine's socket, as in <c>DOCKER_HOST</c>.</param>
    /// <param name="host">The host's name in the catalog.</param>
    /// <param name="store"><c>--store</c>; null for the embedded one.</param>
    /// <param name="flags">More flags.</param>
    public static async Task<RunningSidecar> StartAsync(string docker, string host, string? store, params string[] flags)
    {
        var sidecar = new RunningSidecar(docker, host, store, flags);
        try
        {
            await sidecar.StartAgainAsync();
            return sidecar;
        }
        catch
        {
            await sidecar.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it with the same flags and data, plus these flags.</summary>
    public async Task StartAgainAsync(params string[] flags)
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _process = RunningProcess.Start(
            Programs.Discovery, [.. _flags, .. flags], new Dictionary<string, string?> { ["DOCKER_HOST"] = _docker });
        await WebProbe.AnswersAsync(new Uri(_admin, "/readyz"), _process);
    }

    /// <summary>Whether /readyz says 200.</summary>
    public async Task<bool> IsReadyAsync() => (await WebProbe.GetAsync(new Uri(_admin, "/readyz"))).Status == HttpStatusCode.OK;

    /// <summary>kill -9.</summary>
    public Task KillAsync() => _process!.KillAsync();

    /// <summary>SIGTERM, then its end.</summary>
    public Task<FinishedProcess> TerminateAsync() => _process!.TerminateAsync();

    /// <summary>Ends it and deletes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
        }

        _data.Dispose();
    }
}
