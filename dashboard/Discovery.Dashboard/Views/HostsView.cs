using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>One host.</summary>
/// <param name="Name">The host's name.</param>
/// <param name="Record">What its sidecar says; null when only its instances are known.</param>
/// <param name="Tally">Its instances by health.</param>
/// <param name="Services">How many services they belong to.</param>
public sealed record HostRow(string Name, HostRecord? Record, HealthTally Tally, int Services);

/// <summary>All hosts.</summary>
/// <param name="Rows">Those with something to say first, then by name.</param>
public sealed record HostsView(ImmutableArray<HostRow> Rows)
{
    /// <summary>Hosts that have a record or an instance.</summary>
    public static HostsView From(CatalogSnapshot catalog)
    {
        var instances = catalog.Services.Values.SelectMany(static s => s.Instances).ToLookup(static i => i.Host, StringComparer.Ordinal);
        return new([.. catalog.Hosts.Keys
            .Union(instances.Select(static g => g.Key).Where(static h => h.Length > 0))
            .Select(name => new HostRow(
                name,
                catalog.Hosts.GetValueOrDefault(name),
                HealthTally.Of(instances[name]),
                instances[name].Select(static i => i.Service).Distinct().Count()))
            .OrderBy(static r => r.Record is { Warnings.Count: 0 } ? 1 : 0)
            .ThenBy(static r => r.Name, StringComparer.Ordinal)]);
    }
}
