using Discovery.Catalog;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Registration;

/// <summary>What a container deserves: its instances, and every reason that its owner may ask for.</summary>
internal sealed record ContainerVerdict
{
    /// <summary>Docker's full id.</summary>
    public required string Id { get; init; }

    /// <summary>Name without the leading slash.</summary>
    public required string Name { get; init; }

    /// <summary>The image as the container was started with.</summary>
    public string Image { get; init; } = "";

    /// <summary>Wanted in the catalog, ordered by port. When they were registered is not known here.</summary>
    public EquatableArray<ServiceInstance> Instances { get; init; } = [];

    /// <summary>Checks that the sidecar is to make itself.</summary>
    public EquatableArray<CheckSpec> Checks { get; init; } = [];

    /// <summary>Wanted in foreign stores, in registrator's form.</summary>
    public EquatableArray<MirroredService> Mirrored { get; init; } = [];

    /// <summary>Labels and variables that could not be followed.</summary>
    public EquatableArray<RejectedLabel> Rejected { get; init; } = [];

    /// <summary>Why nothing of it is registered; null when something is.</summary>
    public string? Refused { get; init; }

    /// <summary>What works and may surprise.</summary>
    public EquatableArray<string> Warnings { get; init; } = [];

    /// <summary>When this run began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>How long after the engine's return "starting" is not believed.</summary>
    public TimeSpan HealthGrace { get; init; }
}
