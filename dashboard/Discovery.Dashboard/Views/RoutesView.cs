using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>One way in, and where it leads.</summary>
/// <param name="Name">Host and path.</param>
/// <param name="Service">Where requests go.</param>
/// <param name="Sources">What asked for it.</param>
/// <param name="Tally">The instances behind it by health.</param>
/// <param name="Taking">How many of them take requests now.</param>
/// <param name="Problem">Why it is not served, or why nobody answers; null when it works.</param>
public sealed record RouteRow(
    string Name, string Service, ImmutableArray<string> Sources, HealthTally Tally, int Taking, string? Problem);

/// <summary>One proxy.</summary>
/// <param name="Record">What it says of itself.</param>
/// <param name="Behind">Revisions that the catalog is ahead of it; it tells at most every 10 s.</param>
public sealed record ProxyRow(ProxyRecord Record, long Behind);

/// <summary>Proxies and routes.</summary>
/// <param name="Proxies">By name.</param>
/// <param name="Routes">Those with a problem first, then by name.</param>
/// <param name="Known">Routes before the filter.</param>
public sealed record RoutesView(ImmutableArray<ProxyRow> Proxies, ImmutableArray<RouteRow> Routes, int Known)
{
    /// <summary>Filters by text: name, service, source; case ignored.</summary>
    public static RoutesView From(CatalogSnapshot catalog, string? text)
    {
        string needle = Filter.Needle(text);
        List<RouteRow> all = [.. Rows(catalog)];
        return new(
            [.. catalog.Proxies.Values.Select(p => new ProxyRow(p, Math.Max(0, catalog.Revision - p.AppliedRevision)))],
            [.. all
                .Where(r => Has(r.Name, needle) || Has(r.Service, needle) || r.Sources.Any(s => Has(s, needle)))
                .OrderBy(static r => r.Problem is null ? 1 : 0)
                .ThenBy(static r => r.Name, StringComparer.Ordinal)
                .ThenBy(static r => r.Service, StringComparer.Ordinal)],
            all.Count);
    }

    private static IEnumerable<RouteRow> Rows(CatalogSnapshot catalog)
    {
        ImmutableArray<string> domains = RouteName.Domains(catalog);
        var claims = catalog.Services.Values
            .SelectMany(static s => s.Instances)
            .SelectMany(i => i.Routes, static (i, r) => (Instance: i, Route: r))
            .SelectMany(c => RouteName.Of(c.Route, c.Instance.Service, domains), static (c, name) => (c.Instance, c.Route, Name: name))
            .GroupBy(static c => c.Name, StringComparer.Ordinal);
        foreach (var name in claims)
        {
            // Two services on one name: explicit priority, then the older registration. The proxy decides by the same rule.
            string winner = name
                .OrderByDescending(static c => c.Route.Priority ?? int.MinValue)
                .ThenBy(static c => c.Instance.RegisteredAt ?? DateTimeOffset.MaxValue)
                .ThenBy(static c => c.Instance.Service, StringComparer.Ordinal)
                .First().Instance.Service;
            foreach (var service in name.GroupBy(static c => c.Instance.Service, StringComparer.Ordinal))
            {
                List<ServiceInstance> behind = [.. service.Select(static c => c.Instance).Distinct()];
                int taking = behind.Count(static i => i.TakesRequests);
                yield return new(
                    name.Key,
                    service.Key,
                    [.. service.Select(static c => c.Route.Source).Where(static s => s.Length > 0).Distinct().Order(StringComparer.Ordinal)],
                    HealthTally.Of(behind),
                    taking,
                    service.Select(static c => InstanceView.Problem(c.Route)).FirstOrDefault(static p => p is not null)
                        ?? (service.Key == winner ? null : $"not served: {winner} claims the same name with priority or registered it earlier")
                        ?? (taking > 0 ? null : "no instance takes requests: the proxy answers 503"));
            }
        }
    }

    private static bool Has(string text, string needle) => text.Contains(needle, StringComparison.OrdinalIgnoreCase);
}
