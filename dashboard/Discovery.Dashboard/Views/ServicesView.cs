using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>One service in a list.</summary>
/// <param name="Name">The service.</param>
/// <param name="Tally">Its instances by health.</param>
/// <param name="OutOfService">Instances that drain or are in maintenance.</param>
/// <param name="Hosts">Where they run, by name.</param>
/// <param name="Names">Under which host names and paths it is routed; empty = not routed.</param>
/// <param name="Rejected">Labels that were not understood, of all its instances.</param>
public sealed record ServiceRow(
    string Name, HealthTally Tally, int OutOfService, ImmutableArray<string> Hosts, ImmutableArray<string> Names, int Rejected)
{
    /// <summary>The row of a service.</summary>
    public static ServiceRow Of(Service service, ImmutableArray<string> domains) => new(
        service.Name,
        HealthTally.Of(service.Instances),
        service.Instances.Count(static i => i.State != InstanceState.Active),
        [.. service.Instances.Select(static i => i.Host).Where(static h => h.Length > 0).Distinct().Order(StringComparer.Ordinal)],
        [.. service.Instances
            .SelectMany(i => i.Routes.SelectMany(r => RouteName.Of(r, service.Name, domains)))
            .Distinct()
            .Order(StringComparer.Ordinal)],
        service.Instances.Sum(static i => i.Rejected.Count));
}

/// <summary>The list of services that fits a filter, unhealthy first.</summary>
/// <param name="Rows">Worst health first, then by name.</param>
/// <param name="All">Services that fit the text, by their worst health: what the health filter would show.</param>
/// <param name="Known">Services in the catalog.</param>
public sealed record ServicesView(ImmutableArray<ServiceRow> Rows, HealthTally All, int Known)
{
    /// <summary>Filters by text (name, host, tag, image, container, address; case ignored) and by worst health.</summary>
    public static ServicesView From(CatalogSnapshot catalog, string? text, string? health)
    {
        string needle = Filter.Needle(text);
        ImmutableArray<string> domains = RouteName.Domains(catalog);
        List<ServiceRow> fitting = [.. catalog.Services.Values
            .Where(s => needle.Length == 0 || s.Name.Contains(needle, StringComparison.OrdinalIgnoreCase) || s.Instances.Any(i => Filter.Fits(i, needle)))
            .Select(s => ServiceRow.Of(s, domains))];
        var all = fitting.Aggregate(default(HealthTally), static (sum, row) => sum + One(row.Tally.Worst));
        return new(
            [.. fitting
                .Where(r => Filter.Fits(r.Tally.Worst, health))
                .OrderBy(static r => HealthTally.Rank(r.Tally.Worst))
                .ThenBy(static r => r.Name, StringComparer.Ordinal)],
            all,
            catalog.Services.Count);
    }

    private static HealthTally One(Health health) => health switch
    {
        Health.Critical => new(0, 0, 0, 1),
        Health.Warning => new(0, 0, 1, 0),
        Health.Starting => new(0, 1, 0, 0),
        _ => new(1, 0, 0, 0),
    };
}
