namespace Discovery.Sidecar.DropIn;

/// <summary>registrator's flags, by its names; what they mean there is what they mean here.</summary>
internal sealed record RegistratorOptions
{
    /// <summary>The first part of every id: whose entries they are. registrator's is the host name of its process, so it is started with <c>-h $HOSTNAME</c>.</summary>
    public required string Hostname { get; init; }

    /// <summary>What stands in for a binding to all addresses. registrator resolves its own host name, which is often 127.0.1.1.</summary>
    public required string HostAddress { get; init; }

    /// <summary><c>-ip</c>: stands in for whatever address a port is bound to; empty: as bound.</summary>
    public string Ip { get; init; } = "";

    /// <summary><c>-internal</c>: the container's own address and port instead of the published ones.</summary>
    public bool Internal { get; init; }

    /// <summary><c>-explicit</c>: only services that were given a name.</summary>
    public bool Explicit { get; init; }

    /// <summary><c>-useIpFromLabel</c>: the label whose value is the address, up to its last <c>/</c>; empty: none.</summary>
    public string UseIpFromLabel { get; init; } = "";

    /// <summary><c>-tags</c>, after its template was filled in for the container; parted by commas.</summary>
    public Func<Docker.Container, string> ForcedTags { get; init; } = static _ => "";

    /// <summary><c>-deregister on-success</c>: who ended with an error stays registered.</summary>
    public bool DeregisterOnSuccessOnly { get; init; }
}
