using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>One instance on its service's page.</summary>
/// <param name="Record">As registered.</param>
/// <param name="Names">Its routes: what to type, and what asked for it.</param>
public sealed record InstanceView(ServiceInstance Record, ImmutableArray<(string Name, string Source, string? Problem)> Names)
{
    /// <summary>What people call it: the container's name, else the id.</summary>
    public string Name => NameOf(Record);

    /// <summary>The check that explains the health: the worst one, the latest among equals; null when there are none.</summary>
    public InstanceCheck? Telling => Record.Checks
        .OrderBy(static c => HealthTally.Rank(c.Status))
        .ThenByDescending(static c => c.ChangedAt)
        .FirstOrDefault();

    /// <summary>Since when the health is as it is; null when nobody said.</summary>
    public DateTimeOffset? Since => Telling?.ChangedAt ?? Record.RegisteredAt;

    /// <summary>What the container is called, else the id.</summary>
    public static string NameOf(ServiceInstance instance) =>
        instance.Container is { Name.Length: > 0 } container ? container.Name : instance.Id;

    /// <summary>The view of an instance.</summary>
    public static InstanceView Of(ServiceInstance instance, ImmutableArray<string> domains) => new(
        instance,
        [.. instance.Routes.SelectMany(r => RouteName.Of(r, instance.Service, domains), static (r, name) => (name, r.Source, Problem(r)))]);

    /// <summary>Why a route is not served; null when it can be.</summary>
    public static string? Problem(InstanceRoute route) => route.Unknown is { Count: > 0 } unknown
        ? $"not served: unknown field {string.Join(", ", unknown.Keys.Order(StringComparer.Ordinal))}"
        : null;
}

/// <summary>A service with its instances.</summary>
/// <param name="Row">The service in short.</param>
/// <param name="Instances">Those that fit the filter: worst health first, then by host and id; at most <see cref="Limits.InstancesShown"/>.</param>
/// <param name="Fitting">How many fit, shown or not.</param>
public sealed record ServiceView(ServiceRow Row, ImmutableArray<InstanceView> Instances, int Fitting)
{
    /// <summary>Null when the catalog holds no such service.</summary>
    public static ServiceView? From(CatalogSnapshot catalog, string name, string? text, string? health)
    {
        if (!catalog.Services.TryGetValue(name, out Service? service))
        {
            return null;
        }

        string needle = Filter.Needle(text);
        ImmutableArray<string> domains = RouteName.Domains(catalog);
        List<ServiceInstance> fitting = [.. service.Instances
            .Where(i => (needle.Length == 0 || Filter.Fits(i, needle)) && Filter.Fits(i.Health, health))
            .OrderBy(static i => HealthTally.Rank(i.Health))
            .ThenBy(static i => i.Host, StringComparer.Ordinal)
            .ThenBy(static i => i.Id, StringComparer.Ordinal)];
        return new(
            ServiceRow.Of(service, domains),
            [.. fitting.Take(Limits.InstancesShown).Select(i => InstanceView.Of(i, domains))],
            fitting.Count);
    }
}
