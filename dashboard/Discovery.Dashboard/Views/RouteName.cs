using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>Routes as people type them into a browser.</summary>
internal static class RouteName
{
    /// <summary>Stands for the proxy's domain while no proxy has told one.</summary>
    public const string AnyDomain = "*";

    /// <summary>The domains of all proxies; <see cref="AnyDomain"/> while there is none.</summary>
    public static ImmutableArray<string> Domains(CatalogSnapshot catalog)
    {
        ImmutableArray<string> known =
        [
            .. catalog.Proxies.Values.Select(static p => p.Domain).Where(static d => d.Length > 0).Distinct().Order(StringComparer.Ordinal),
        ];
        return known.IsEmpty ? [AnyDomain] : known;
    }

    /// <summary>Host and path; a route without a host has one name per domain.</summary>
    public static IEnumerable<string> Of(InstanceRoute route, string service, ImmutableArray<string> domains) =>
        route.Host is null
            ? domains.Select(d => $"{service}.{d}{route.Path}")
            : [route.Host + route.Path];
}
