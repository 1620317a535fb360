using System.Collections.Immutable;

namespace Discovery.Catalog;

/// <summary>
/// The whole catalog at one revision, immutable. A service that no change touched is the same object as in the
/// snapshot before, so readers find what changed by reference.
/// </summary>
public sealed record CatalogSnapshot
{
    /// <summary>Nothing read yet.</summary>
    public static readonly CatalogSnapshot Empty = new();

    /// <summary>The store's revision up to which this is complete; 0 before the first read.</summary>
    public long Revision { get; init; }

    /// <summary>Whether the store answers. While it does not, the content is the last that was read.</summary>
    public bool Connected { get; init; }

    /// <summary>Why the store does not answer; null while it does.</summary>
    public string? Problem { get; init; }

    /// <summary>Since when the store answers, or does not.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>All services by name.</summary>
    public ImmutableSortedDictionary<string, Service> Services { get; init; } =
        ImmutableSortedDictionary.Create<string, Service>(StringComparer.Ordinal);

    /// <summary>All hosts by name.</summary>
    public ImmutableSortedDictionary<string, HostRecord> Hosts { get; init; } =
        ImmutableSortedDictionary.Create<string, HostRecord>(StringComparer.Ordinal);

    /// <summary>All proxies by name.</summary>
    public ImmutableSortedDictionary<string, ProxyRecord> Proxies { get; init; } =
        ImmutableSortedDictionary.Create<string, ProxyRecord>(StringComparer.Ordinal);

    /// <summary>Keys whose value is not a record, each with the reason.</summary>
    public ImmutableSortedDictionary<string, string> Unreadable { get; init; } =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);
}

/// <summary>All instances of a name, ordered by host and id.</summary>
public sealed record Service(string Name, ImmutableSortedDictionary<string, ServiceInstance> ByKey)
{
    /// <summary>The instances.</summary>
    public IEnumerable<ServiceInstance> Instances => ByKey.Values;

    /// <summary>How many of them have this health.</summary>
    public int Count(Health health) => Instances.Count(i => i.Health == health);
}
