using System.Text.Json;
using System.Text.Json.Serialization;

namespace Discovery.Sidecar.Docker;

/// <summary>A line of <c>GET /containers/json</c>: only who is there; everything else comes from inspecting.</summary>
internal sealed record ListedContainer(string Id);

/// <summary><c>GET /info</c>, as far as it is read.</summary>
internal sealed record EngineInfo
{
    /// <summary>The engine's id, kept in its data root.</summary>
    [JsonPropertyName("ID")]
    public string? Id { get; init; }

    /// <summary>The host's name.</summary>
    public string? Name { get; init; }

    /// <summary>The engine's version.</summary>
    public string? ServerVersion { get; init; }

    /// <summary>Null on engines that know no Swarm.</summary>
    public SwarmState? Swarm { get; init; }
}

/// <summary>What the engine knows of its Swarm.</summary>
internal sealed record SwarmState
{
    /// <summary>The address that this node advertises; empty outside a Swarm.</summary>
    public string? NodeAddr { get; init; }
}

/// <summary>One line of <c>GET /events</c>: a hint that something changed, never a fact to apply.</summary>
internal sealed record EngineEvent
{
    /// <summary><c>container</c> or <c>network</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Whom it is about.</summary>
    public EventActor? Actor { get; init; }

    /// <summary>The container that this is about: a network's events carry it as an attribute. Null when there is none.</summary>
    [JsonIgnore]
    public string? ContainerId => Type == "network" ? Actor?.Attributes?.GetValueOrDefault("container") : Actor?.Id;
}

/// <summary>Whom an event is about.</summary>
internal sealed record EventActor
{
    /// <summary>Container or network id.</summary>
    [JsonPropertyName("ID")]
    public string? Id { get; init; }

    /// <summary>Labels, image, name and what is particular to the action.</summary>
    public Dictionary<string, string>? Attributes { get; init; }
}

/// <summary>
/// <c>GET /containers/{id}/json</c>, as far as it is read. Only fields that every engine from API 1.41 to Docker 29 has:
/// addresses at the top of NetworkSettings are gone in 1.52 and are not read.
/// </summary>
internal sealed record Container
{
    /// <summary>64 hex digits.</summary>
    public string Id { get; init; } = "";

    /// <summary>With a leading slash.</summary>
    public string? Name { get; init; }

    /// <summary>Running or not, and how it feels.</summary>
    public ContainerState? State { get; init; }

    /// <summary>What it was created with; never changes.</summary>
    public ContainerConfig? Config { get; init; }

    /// <summary>What was asked of the host.</summary>
    public HostConfig? HostConfig { get; init; }

    /// <summary>What it got; empty while it does not run.</summary>
    public NetworkSettings? NetworkSettings { get; init; }

    /// <summary>All that the engine said, for templates; undefined unless the client was asked to keep it.</summary>
    [JsonIgnore]
    public JsonElement Inspected { get; init; }

    /// <summary>Why the engine's answer could not be read; null when it could.</summary>
    [JsonIgnore]
    public string? Unreadable { get; init; }
}

/// <summary>A container's state.</summary>
internal sealed record ContainerState
{
    /// <summary>created, running, paused, restarting, removing, exited, dead.</summary>
    public string? Status { get; init; }

    /// <summary>What its last run ended with; 0 while it runs.</summary>
    public int? ExitCode { get; init; }

    /// <summary>When this run began.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Null without HEALTHCHECK.</summary>
    public HealthState? Health { get; init; }
}

/// <summary>What the image's HEALTHCHECK says.</summary>
internal sealed record HealthState
{
    /// <summary>none, starting, healthy, unhealthy.</summary>
    public string? Status { get; init; }

    /// <summary>The last five probes, oldest first.</summary>
    public HealthProbe[]? Log { get; init; }
}

/// <summary>One run of the HEALTHCHECK.</summary>
internal sealed record HealthProbe
{
    /// <summary>At most 4 KiB of what it printed.</summary>
    public string? Output { get; init; }
}

/// <summary>A container's configuration.</summary>
internal sealed record ContainerConfig
{
    /// <summary>The container's own host name; its short id unless it was given one.</summary>
    public string? Hostname { get; init; }

    /// <summary>As it was named on creation; may be an id.</summary>
    public string? Image { get; init; }

    /// <summary><c>NAME=value</c>.</summary>
    public string[]? Env { get; init; }

    /// <summary>The image's and the container's own.</summary>
    public Dictionary<string, string>? Labels { get; init; }

    /// <summary>Keys like <c>80/tcp</c>.</summary>
    public Dictionary<string, Nothing>? ExposedPorts { get; init; }

    /// <summary>Null without HEALTHCHECK.</summary>
    public HealthcheckConfig? Healthcheck { get; init; }
}

/// <summary>The pace of a HEALTHCHECK, in nanoseconds; 0 stands for the engine's default.</summary>
internal sealed record HealthcheckConfig(long Interval, long Timeout);

/// <summary>An empty object.</summary>
internal sealed record Nothing;

/// <summary>What was asked of the host.</summary>
internal sealed record HostConfig
{
    /// <summary>default, bridge, host, none, container:id, or a network's name.</summary>
    public string? NetworkMode { get; init; }
}

/// <summary>What the container got of the host.</summary>
internal sealed record NetworkSettings
{
    /// <summary>By port such as <c>80/tcp</c>; null for one that is exposed and not published.</summary>
    public Dictionary<string, PortBinding[]?>? Ports { get; init; }

    /// <summary>By network name; the addresses are empty while it does not run.</summary>
    public Dictionary<string, EndpointSettings?>? Networks { get; init; }
}

/// <summary>A container's place in one network.</summary>
internal sealed record EndpointSettings
{
    /// <summary>Empty when it has none.</summary>
    public string? IPAddress { get; init; }

    /// <summary>Empty when it has none.</summary>
    public string? GlobalIPv6Address { get; init; }
}

/// <summary>Where on the host a port is published.</summary>
internal sealed record PortBinding
{
    /// <summary>0.0.0.0, ::, an address, or empty for any.</summary>
    public string? HostIp { get; init; }

    /// <summary>A number as text.</summary>
    public string? HostPort { get; init; }
}

/// <summary>Docker's names as they are; what is not listed is skipped unread.</summary>
[JsonSourceGenerationOptions(GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(ListedContainer[]))]
[JsonSerializable(typeof(EngineInfo))]
[JsonSerializable(typeof(EngineEvent))]
[JsonSerializable(typeof(Container))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class DockerJson : JsonSerializerContext;
