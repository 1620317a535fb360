using Discovery.Sidecar.DropIn.Templates;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.DropIn;

/// <summary>registrator's flags as they were given; what the host adds to them is in <see cref="RegistratorOptions"/>.</summary>
internal sealed record DropInOptions
{
    /// <summary>The positional argument: where registrations go.</summary>
    public required MirrorUri Registry { get; init; }

    /// <summary><c>-internal</c>.</summary>
    public bool Internal { get; init; }

    /// <summary><c>-explicit</c>.</summary>
    public bool Explicit { get; init; }

    /// <summary><c>-useIpFromLabel</c>.</summary>
    public string UseIpFromLabel { get; init; } = "";

    /// <summary><c>-tags</c>; null when there are none.</summary>
    public GoTemplate? Tags { get; init; }

    /// <summary><c>-deregister on-success</c>.</summary>
    public bool DeregisterOnSuccessOnly { get; init; }

    /// <summary><c>-retry-attempts</c>: times that the registry is asked again at the start before the program gives up; null for ever.</summary>
    public int? RetryAttempts { get; init; }

    /// <summary><c>-retry-interval</c>: between these.</summary>
    public TimeSpan RetryInterval { get; init; } = TimeSpan.FromSeconds(2);
}
