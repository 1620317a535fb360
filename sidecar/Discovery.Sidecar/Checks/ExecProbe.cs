using System.Collections.Concurrent;
using System.Net;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Checks;

/// <summary>
/// A command in the container. The engine cannot end one: it goes on after its timeout, and until it has ended no second
/// one is started beside it.
/// </summary>
internal sealed class ExecProbe(DockerClient docker) : IDisposable
{
    private readonly ConcurrentDictionary<CheckKey, string> _unfinished = new();

    // Runs are tasks of the pool and not of a loop, so this is what they have in common: how many may bother the engine.
    private readonly SemaphoreSlim _places = new(CheckLimits.CommandsAtOnce);

    /// <summary>Asks once.</summary>
    /// <returns>Null when the engine could not be asked: that says nothing of the container.</returns>
    public async Task<CheckResult?> AskAsync(string containerId, CheckSpec spec, CancellationToken cancellation)
    {
        await _places.WaitAsync(cancellation);
        try
        {
            return await RunAsync(CheckKey.Of(containerId, spec), spec, cancellation);
        }
        catch (DockerUnavailableException)
        {
            return null;
        }
        catch (DockerRefusedException e)
        {
            // Gone: whoever follows the engine's events takes the check away in a moment.
            return e.Status == HttpStatusCode.NotFound ? null : CheckResult.Critical(e.Message);
        }
        finally
        {
            _places.Release();
        }
    }

    /// <summary>The check is no more.</summary>
    public void Forget(CheckKey key) => _unfinished.TryRemove(key, out _);

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private async Task<CheckResult?> RunAsync(CheckKey key, CheckSpec spec, CancellationToken cancellation)
    {
        if (_unfinished.TryGetValue(key, out string? earlier))
        {
            if (await docker.InspectExecAsync(earlier, cancellation) is { Running: true })
            {
                return CheckResult.Critical("the command of an earlier run still goes on; a second one is not started");
            }

            _unfinished.TryRemove(key, out _);
        }

        string exec = await docker.CreateExecAsync(key.ContainerId, [.. spec.Command], cancellation);
        _unfinished[key] = exec;
        string output = CheckResult.Clean(await docker.StartExecAsync(exec, CheckLimits.Output, cancellation), CheckLimits.Output);
        ExecState? state = await docker.InspectExecAsync(exec, cancellation);
        if (state is not { Running: false, ExitCode: { } code })
        {
            return null;
        }

        _unfinished.TryRemove(key, out _);
        Health status = code == 0 ? Health.Passing : code == 1 && spec.OneWarns ? Health.Warning : Health.Critical;
        string said = CheckResult.FirstLine(output);
        string summary = status == Health.Passing ? "exit 0" : said.Length == 0 ? $"exit {code}" : $"exit {code}: {said}";
        return new(status, summary, output.Length == 0 ? summary : $"exit {code}\n{output}");
    }
}
