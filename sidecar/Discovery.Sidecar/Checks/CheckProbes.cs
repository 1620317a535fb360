using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Checks;

/// <summary>The ways to ask a container how it is. Thread-safe.</summary>
/// <param name="docker">Runs commands; they are asked for only by specs that the rules allow.</param>
internal sealed class CheckProbes(DockerClient docker) : IDisposable
{
    private readonly HttpProbe _http = new();
    private readonly ExecProbe _exec = new(docker);

    /// <summary>Asks once; the spec's timeout is the caller's to keep, by cancelling.</summary>
    /// <returns>Null when it could not be asked for a reason that says nothing of the container.</returns>
    public async Task<CheckResult?> AskAsync(string containerId, CheckSpec spec, CancellationToken cancellation) => spec.Type switch
    {
        CheckType.Http or CheckType.Https => await _http.AskAsync(spec, cancellation),
        CheckType.Tcp => await TcpProbe.AskAsync(spec.Target!, cancellation),
        CheckType.Grpc => await GrpcProbe.AskAsync(spec, cancellation),
        CheckType.Exec => await _exec.AskAsync(containerId, spec, cancellation),
        _ => null,
    };

    /// <summary>The check is no more.</summary>
    public void Forget(CheckKey key) => _exec.Forget(key);

    /// <inheritdoc/>
    public void Dispose()
    {
        _http.Dispose();
        _exec.Dispose();
    }
}
