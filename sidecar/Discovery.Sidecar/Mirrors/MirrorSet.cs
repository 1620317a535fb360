using System.Collections.Immutable;
using Discovery.Catalog;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Mirrors;

/// <summary>All foreign copies of this host's registrations, each with a loop of its own: one that is away or slow delays no other.</summary>
internal sealed class MirrorSet : IAsyncDisposable
{
    private readonly ImmutableArray<Mirror> _mirrors;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Mirrors that have not begun.</summary>
    /// <exception cref="FormatException">A certificate cannot be read; one line.</exception>
    public MirrorSet(IEnumerable<MirrorUri> uris, MirrorOptions options, TimeProvider time, ILoggerFactory logs) =>
        _mirrors = [.. uris.Select(uri => new Mirror(uri, options, time, logs))];

    /// <summary>Where they write and how each stands.</summary>
    public IEnumerable<(MirrorUri Uri, MirrorStatus Status)> Statuses => _mirrors.Select(static mirror => (mirror.Uri, mirror.Status));

    /// <summary>What stands in a mirror of an instance in the catalog: registrator's form of the same.</summary>
    public static IEnumerable<MirroredService> Of(ContainerVerdict verdict) => verdict.Instances.Select(instance => new MirroredService
    {
        Id = instance.Id,
        Name = instance.Service,
        Ip = instance.Address,
        Port = instance.Port,
        ContainerPort = PortOf(instance.Id),
        ContainerId = verdict.Id,
        Tags = instance.Protocol == "udp" ? instance.Tags.Append("udp").ToEquatableArray() : instance.Tags,
        Attrs = instance.Meta,
    });

    /// <summary>Begins all of them.</summary>
    public void Start() => _running = Task.WhenAll(_mirrors.Select(mirror => mirror.RunAsync(_stop.Token)));

    /// <summary>Replaces what is wanted in all of them; returns at once.</summary>
    public void Want(IReadOnlyList<MirroredService> services)
    {
        foreach (Mirror mirror in _mirrors)
        {
            mirror.Want(services);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (Mirror mirror in _mirrors)
        {
            await mirror.DisposeAsync();
        }

        _stop.Dispose();
    }

    /// <summary><c>host:container:port[:udp]</c>.</summary>
    private static int PortOf(string id) => id.Split(':') is [_, _, var port, ..] && int.TryParse(port, out int number) ? number : 0;
}
