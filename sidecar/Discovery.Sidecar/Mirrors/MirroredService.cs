using Discovery.Catalog;

namespace Discovery.Sidecar.Mirrors;

/// <summary>One service as registrator hands it to its backends; what name, id and address it has was decided before.</summary>
internal sealed record MirroredService
{
    /// <summary><c>&lt;host&gt;:&lt;container&gt;:&lt;container port&gt;[:udp]</c>, or what <c>SERVICE_ID</c> says.</summary>
    public required string Id { get; init; }

    /// <summary>The service's name.</summary>
    public required string Name { get; init; }

    /// <summary>Where it answers; IPv6 without brackets.</summary>
    public required string Ip { get; init; }

    /// <summary>The port at which it answers there.</summary>
    public required int Port { get; init; }

    /// <summary>The container's own port; 0 when there is none.</summary>
    public int ContainerPort { get; init; }

    /// <summary>The container's full id, for <c>SERVICE_CHECK_CMD</c>; empty when there is no container.</summary>
    public string ContainerId { get; init; } = "";

    /// <summary>The container's own host name, which registrator's ZooKeeper nodes call <c>ContainerID</c>.</summary>
    public string ContainerHostname { get; init; } = "";

    /// <summary><c>SERVICE_TAGS</c>, <c>-tags</c>, and <c>udp</c> for UDP; a set, in any order.</summary>
    public EquatableArray<string> Tags { get; init; } = [];

    /// <summary>All other <c>SERVICE_x</c> values by <c>x</c> in lower case, <c>check_*</c> among them.</summary>
    public EquatableMap Attrs { get; init; } = EquatableMap.Empty;

    /// <summary>
    /// The container ended with an error under <c>-deregister on-success</c>: what is registered stays, is no longer renewed
    /// and so goes with its TTL (never, without one); what is not registered is not registered again.
    /// </summary>
    public bool IsLapsing { get; init; }

    /// <summary>Why it cannot be written anywhere; null when it can. Names and ids become parts of paths.</summary>
    public string? Problem()
    {
        foreach ((string what, string text) in new[] { ("name", Name), ("id", Id) })
        {
            if (text.Length == 0 || text.Any(char.IsControl) || text.Split('/').Any(static part => part is "" or "." or ".."))
            {
                return $"the service's {what} is \"{text}\"; in a mirror's key it must not be empty, hold control characters, or have parts that are empty, . or ..";
            }
        }

        return Ip.Length == 0 ? "the service has no address" : null;
    }
}
