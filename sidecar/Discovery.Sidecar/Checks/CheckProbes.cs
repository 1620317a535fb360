using Discovery.Catalog.Programs;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Checks;

/// <summary>The ways to ask a container how it is. Thread-safe.</summary>
/// <param name="docker">Runs commands; they are asked for only by specs that the rules allow.</param>
internal sealed class CheckProbes(DockerClient docker) : IDisposable
{
    private readonly HttpProbe _http = new();
    private readonly ExecProbe _exec = new(docker);

    /// <summary>Asks once.</summary>
    /// <param name="containerId">Docker's full id.</param>
    /// <param name="spec">What is asked.</param>
    /// <param name="deadline">Ends the run when its time is over, or when its answer no longer counts.</param>
    /// <returns>Null when it could not be asked for a reason that says nothing of the container.</returns>
    public async Task<CheckResult?> AskAsync(string containerId, CheckSpec spec, CancellationToken deadline)
    {
        try
        {
            return spec.Type switch
            {
                CheckType.Http or CheckType.Https => await _http.AskAsync(spec, deadline),
                CheckType.Tcp => await TcpProbe.AskAsync(spec.Target!, deadline),
                CheckType.Grpc => await GrpcProbe.AskAsync(spec, deadline),
                CheckType.Exec => await _exec.AskAsync(containerId, spec, deadline),
                _ => null,
            };
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            return CheckResult.Critical($"no answer within {Flags.Format(spec.Timeout)}{(spec.Target is null ? "" : $" from {spec.Target}")}");
        }
    }

    /// <summary>The check is no more.</summary>
    public void Forget(CheckKey key) => _exec.Forget(key);

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _exec.Dispose();
    }
}
