using Discovery.Sidecar.Mirrors;
using Discovery.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>A mirror whose loop runs, as one life of the sidecar has it.</summary>
internal sealed class RunningMirror : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Mirror _mirror;
    private readonly Task _running;

    public RunningMirror(string uri, MirrorOptions options, Func<string, string?>? environment = null)
    {
        _mirror = new(MirrorUri.Parse(uri, environment ?? (static _ => null)), options, TimeProvider.System, NullLoggerFactory.Instance);
        _running = _mirror.RunAsync(_stop.Token);
    }

    public MirrorStatus Status => _mirror.Status;

    public void Want(params IReadOnlyList<MirroredService> services) => _mirror.Want(services);

    /// <summary>Wants these, and waits until the mirror says that they stand there.</summary>
    public async Task ReachAsync(params IReadOnlyList<MirroredService> services)
    {
        _mirror.Want(services);
        string[] ids = [.. services.Select(static s => s.Id).Order(StringComparer.Ordinal)];
        await Eventually.HoldsAsync(
            () => Status.IsInStep && Status.Entries.Keys.SequenceEqual(ids),
            saw: () => $"{Status.LastProblem} {string.Join("; ", Status.Entries)}",
            what: "the mirror is in step");
    }

    /// <summary>Ends this life.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _mirror.DisposeAsync();
        _stop.Dispose();
    }
}
