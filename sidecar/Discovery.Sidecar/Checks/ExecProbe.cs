using System.Collections.Concurrent;
using System.Net;
using Discovery.Catalog;
using Discovery.Catalog.Programs;
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
    /// <returns>Null when the engine could not be asked, or not in time: that says nothing of the container.</returns>
    public async Task<CheckResult?> AskAsync(string containerId, CheckSpec spec, CancellationToken deadline)
    {
        var key = CheckKey.Of(containerId, spec);
        bool isPlaced = false;
        try
        {
            await _places.WaitAsync(deadline);
            isPlaced = true;
            if (await GoesOnAsync(key, deadline))
            {
                return CheckResult.Critical("the command of an earlier run still goes on; a second one is not started");
            }

            string exec = await docker.CreateExecAsync(containerId, [.. spec.Command], deadline);
            _unfinished[key] = exec;
            if (await OutputAsync(exec, deadline) is not { } output)
            {
                return CheckResult.Critical($"the command did not end within {Flags.Format(spec.Timeout)}; it goes on");
            }

            return await docker.InspectExecAsync(exec, deadline) is { Running: false, ExitCode: { } code }
                ? Judge(key, spec, code, CheckResult.Clean(output, CheckLimits.Output))
                : null;
        }
        catch (DockerUnavailableException)
        {
            return null;
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
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
            if (isPlaced)
            {
                _places.Release();
            }
        }
    }

    /// <summary>The check is no more.</summary>
    public void Forget(CheckKey key) => _unfinished.TryRemove(key, out _);

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private async Task<bool> GoesOnAsync(CheckKey key, CancellationToken deadline) =>
        _unfinished.TryGetValue(key, out string? earlier) && await docker.InspectExecAsync(earlier, deadline) is { Running: true };

    /// <summary>Null when the command did not end in time: only here does a deadline speak of the container and not of the engine.</summary>
    private async Task<string?> OutputAsync(string exec, CancellationToken deadline)
    {
        try
        {
            return await docker.StartExecAsync(exec, CheckLimits.Output, deadline);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return null;
        }
    }

    private CheckResult Judge(CheckKey key, CheckSpec spec, int code, string output)
    {
        _unfinished.TryRemove(key, out _);
        Health status = code == 0 ? Health.Passing : code == 1 && spec.OneWarns ? Health.Warning : Health.Critical;
        string said = CheckResult.FirstLine(output);
        string summary = status == Health.Passing ? "exit 0" : said.Length == 0 ? $"exit {code}" : $"exit {code}: {said}";
        return new(status, summary, output.Length == 0 ? summary : $"exit {code}\n{output}");
    }
}
