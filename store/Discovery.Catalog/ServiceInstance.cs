using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Discovery.Catalog;

/// <summary>What is known of an instance's health. Only <see cref="Passing"/> and <see cref="Warning"/> get requests.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Health>))]
public enum Health
{
    /// <summary>All checks pass, or there are none.</summary>
    [JsonStringEnumMemberName("passing")]
    Passing,

    /// <summary>A check has not answered yet.</summary>
    [JsonStringEnumMemberName("starting")]
    Starting,

    /// <summary>A check complains; requests still go there.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>A check fails.</summary>
    [JsonStringEnumMemberName("critical")]
    Critical,
}

/// <summary>What operators want of an instance; derived by its sidecar from intents.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<InstanceState>))]
public enum InstanceState
{
    /// <summary>In service.</summary>
    [JsonStringEnumMemberName("active")]
    Active,

    /// <summary>Gets no new requests and finishes those in flight.</summary>
    [JsonStringEnumMemberName("draining")]
    Draining,

    /// <summary>Out of service until an operator says otherwise.</summary>
    [JsonStringEnumMemberName("maintenance")]
    Maintenance,
}

/// <summary>
/// One address:port of one service: the record under <c>/discovery/instances/&lt;host&gt;/&lt;service&gt;/&lt;id&gt;</c>.
/// A public interface: only ever extended. Only id, service, address and port are required of a writer.
/// </summary>
public sealed record ServiceInstance
{
    /// <summary><c>&lt;host&gt;:&lt;container-name&gt;:&lt;container-port&gt;[:udp]</c>; unique in the catalog.</summary>
    public required string Id { get; init; }

    /// <summary>Which service this is an instance of: <c>[a-z0-9._-]{1,63}</c>.</summary>
    public required string Service { get; init; }

    /// <summary>The host that registered it; empty for other writers.</summary>
    public string Host { get; init; } = "";

    /// <summary>IPv4 or IPv6 address, or a name, where it answers.</summary>
    public required string Address { get; init; }

    /// <summary>The port at <see cref="Address"/>, 1 to 65535.</summary>
    public required int Port { get; init; }

    /// <summary><c>tcp</c> or <c>udp</c>.</summary>
    public string Protocol { get; init; } = "tcp";

    /// <summary>From <c>SERVICE_TAGS</c>; a set, kept in order.</summary>
    public EquatableArray<string> Tags { get; init; } = [];

    /// <summary>Everything else that <c>SERVICE_*</c> said, lower-case names.</summary>
    public EquatableMap Meta { get; init; } = EquatableMap.Empty;

    /// <summary>Share of requests relative to its siblings, 0 to 1000.</summary>
    public int Weight { get; init; } = 1;

    /// <summary>The worst of the checks.</summary>
    public Health Health { get; init; }

    /// <summary>What operators want.</summary>
    public InstanceState State { get; init; }

    /// <summary>Each check with its last status.</summary>
    public EquatableArray<InstanceCheck> Checks { get; init; } = [];

    /// <summary>Where the proxy sends from; empty = not routed.</summary>
    public EquatableArray<InstanceRoute> Routes { get; init; } = [];

    /// <summary>Labels that were refused, each with its reason.</summary>
    public EquatableArray<RejectedLabel> Rejected { get; init; } = [];

    /// <summary>Bindings beyond the first, as <c>address:port</c>.</summary>
    public EquatableArray<string> Addresses { get; init; } = [];

    /// <summary>The container behind it; null for other writers.</summary>
    public ContainerReference? Container { get; init; }

    /// <summary>When the instance was first registered in this form.</summary>
    public DateTimeOffset? RegisteredAt { get; init; }

    /// <summary>Whether a proxy may send new requests here.</summary>
    [JsonIgnore]
    public bool TakesRequests => State == InstanceState.Active && Health is Health.Passing or Health.Warning;

    /// <summary><c>address:port</c>, IPv6 in brackets.</summary>
    [JsonIgnore]
    public string Endpoint => Address.Contains(':', StringComparison.Ordinal) ? $"[{Address}]:{Port}" : $"{Address}:{Port}";
}

/// <summary>One check of an instance.</summary>
public sealed record InstanceCheck
{
    /// <summary>Unique within the instance.</summary>
    public required string Name { get; init; }

    /// <summary><c>docker</c>, <c>http</c>, <c>tcp</c>, …</summary>
    public string Type { get; init; } = "docker";

    /// <summary>What the check says now.</summary>
    public Health Status { get; init; }

    /// <summary>What the check printed last, at most 256 bytes.</summary>
    public string Output { get; init; } = "";

    /// <summary>When the status last changed.</summary>
    public DateTimeOffset? ChangedAt { get; init; }
}

/// <summary>
/// One way in: requests to this host and path go to the service. Without a host it means
/// <c>&lt;service&gt;.&lt;the proxy's --domain&gt;</c>.
/// </summary>
public sealed record InstanceRoute
{
    /// <summary>Exact host name, or null for the service's own name under the proxy's domain.</summary>
    public string? Host { get; init; }

    /// <summary>Path prefix, starting with <c>/</c>; null for all.</summary>
    public string? Path { get; init; }

    /// <summary>Among routes that match, the higher wins; null = the more specific one wins.</summary>
    public int? Priority { get; init; }

    /// <summary>What asked for it: <c>SERVICE_NAME</c>, <c>label discovery.host</c>, <c>--route-all</c>.</summary>
    public string Source { get; init; } = "";

    /// <summary>Fields that this version does not know; such a route is not served, and says so.</summary>
    [JsonExtensionData]
    public IDictionary<string, System.Text.Json.JsonElement>? Unknown { get; init; }

    /// <inheritdoc/>
    public bool Equals(InstanceRoute? other) => other is not null
        && Host == other.Host && Path == other.Path && Priority == other.Priority && Source == other.Source
        && (Unknown?.Count ?? 0) == (other.Unknown?.Count ?? 0)
        && (Unknown is null || Unknown.All(f => other.Unknown!.TryGetValue(f.Key, out var value)
            && value.GetRawText() == f.Value.GetRawText()));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Host, Path, Priority, Source);
}

/// <summary>A label or variable that was not understood: shown to whoever wrote it, never fatal.</summary>
public sealed record RejectedLabel(string Label, string Value, string Reason);

/// <summary>The container behind an instance.</summary>
public sealed record ContainerReference
{
    /// <summary>Docker's full id.</summary>
    public required string Id { get; init; }

    /// <summary>Name without the leading slash.</summary>
    public string Name { get; init; } = "";

    /// <summary>The image as the container was started with.</summary>
    public string Image { get; init; } = "";

    /// <summary>Compose project; null outside compose.</summary>
    public string? Project { get; init; }

    /// <summary>Compose service; null outside compose.</summary>
    public string? Service { get; init; }

    /// <summary>Compose's hash of the service's configuration: one value per deploy.</summary>
    public string? ConfigHash { get; init; }
}

/// <summary>A host with a sidecar: the record under <c>/discovery/hosts/&lt;host&gt;</c>.</summary>
public sealed record HostRecord
{
    /// <summary>Name, as <c>docker info</c> gives it, or <c>--host</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The address under which its services are registered.</summary>
    public string Address { get; init; } = "";

    /// <summary>The Docker engine's id: tells two hosts of one name apart.</summary>
    public string EngineId { get; init; } = "";

    /// <summary>The Docker engine's version.</summary>
    public string EngineVersion { get; init; } = "";

    /// <summary>The sidecar's version.</summary>
    public string SidecarVersion { get; init; } = "";

    /// <summary>When the sidecar started.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>Containers running, seen at the last full diff.</summary>
    public int Containers { get; init; }

    /// <summary>Instances registered.</summary>
    public int Instances { get; init; }

    /// <summary>When the last change to this record was made by a full diff.</summary>
    public DateTimeOffset? LastReconcile { get; init; }

    /// <summary>What the operator should know, such as "addresses are reachable from this host only; add -ip …".</summary>
    public EquatableArray<string> Warnings { get; init; } = [];

    /// <summary>Containers that are running and not registered, each with the reason.</summary>
    public EquatableArray<RefusedContainer> Refused { get; init; } = [];
}

/// <summary>A running container that is not registered, and why.</summary>
public sealed record RefusedContainer(string Id, string Name, string Reason);

/// <summary>A proxy: the record under <c>/discovery/proxies/&lt;proxy&gt;</c>.</summary>
public sealed record ProxyRecord
{
    /// <summary><c>&lt;host&gt;-&lt;port&gt;</c>, or <c>--name</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where it listens, comma-separated URLs.</summary>
    public string Address { get; init; } = "";

    /// <summary>The domain under which services without a host are reached.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Up to which store revision instances, routes and intents are applied.</summary>
    public long AppliedRevision { get; init; }

    /// <summary>Requests in flight per draining instance.</summary>
    public ImmutableSortedDictionary<string, int> Draining { get; init; } = ImmutableSortedDictionary<string, int>.Empty;

    /// <summary>Routes served.</summary>
    public int Routes { get; init; }

    /// <summary>Routes not served, each with its reason.</summary>
    public EquatableArray<string> Problems { get; init; } = [];
}
