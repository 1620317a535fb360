using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Proxy.Routing;

/// <summary>
/// Which request goes where: catalog in, routes, clusters and problems out; pure and immutable, swapped whole. The next
/// table shares with this one all that did not change: instances that come, go or change their health touch their
/// service's cluster only, and the routes stay the same objects.
/// </summary>
internal sealed class RouteTable
{
    private readonly string _domain;
    private readonly ImmutableSortedDictionary<string, Service> _source;
    private readonly ImmutableDictionary<string, ServiceRouting> _services;

    private RouteTable(
        string domain,
        long revision,
        ImmutableSortedDictionary<string, Service> source,
        ImmutableDictionary<string, ServiceRouting> services,
        ImmutableDictionary<string, HostRoutes> hosts,
        ImmutableSortedDictionary<string, Destination> draining)
    {
        (_domain, Revision, _source, _services, Hosts, Draining) = (domain, revision, source, services, hosts, draining);
    }

    /// <summary>The store's revision of the last change that this table has applied.</summary>
    public long Revision { get; }

    /// <summary>Routes by host; the host's case does not matter.</summary>
    public ImmutableDictionary<string, HostRoutes> Hosts { get; }

    /// <summary>Draining instances by their key in the store, routed or not: what a drain waits for.</summary>
    public ImmutableSortedDictionary<string, Destination> Draining { get; }

    /// <summary>All routes served.</summary>
    public IEnumerable<Route> Routes => Hosts.OrderBy(static h => h.Key, StringComparer.Ordinal).SelectMany(static h => h.Value.Routes);

    /// <summary>All routes not served.</summary>
    public IEnumerable<RouteProblem> Problems =>
        _services.Values.SelectMany(static s => s.Claims.Problems)
            .Concat(Hosts.Values.SelectMany(static h => h.Problems))
            .OrderBy(static p => p.ToString(), StringComparer.Ordinal);

    /// <summary>A table without routes.</summary>
    /// <param name="domain">Where services without a host are found: <c>&lt;service&gt;.&lt;domain&gt;</c>.</param>
    public static RouteTable Empty(string domain) => new(
        domain,
        0,
        CatalogSnapshot.Empty.Services,
        ImmutableDictionary.Create<string, ServiceRouting>(StringComparer.Ordinal),
        ImmutableDictionary.Create<string, HostRoutes>(StringComparer.OrdinalIgnoreCase),
        ImmutableSortedDictionary.Create<string, Destination>(StringComparer.Ordinal));

    /// <summary>The table for the next snapshot; this same one when no service changed.</summary>
    public RouteTable Next(CatalogSnapshot snapshot)
    {
        if (ReferenceEquals(snapshot.Services, _source) && Revision != 0)
        {
            // Proxies write their own records: if those counted, every announcement would cause the next.
            return this;
        }

        var services = _services.ToBuilder();
        var draining = Draining.ToBuilder();
        var started = new List<KeyValuePair<string, Destination>>();
        var touched = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach ((string name, Service? service) in Changed(_source, snapshot.Services))
        {
            ServiceRouting? before = services.GetValueOrDefault(name);
            ServiceRouting? after = service is null ? null : ServiceRouting.Of(service, _domain, before);
            Touch(touched, before?.Claims ?? ServiceClaims.None, after?.Claims ?? ServiceClaims.None);
            draining.RemoveRange(before?.Draining ?? []);
            started.AddRange(after is null ? [] : after.Draining.Select(key => KeyValuePair.Create(key, after.Cluster.Destinations[key])));
            if (after is null)
            {
                services.Remove(name);
            }
            else
            {
                services[name] = after;
            }
        }

        // After all removals: an instance may have moved from one service to another.
        draining.AddRange(started);
        var next = services.ToImmutable();
        return new(_domain, snapshot.Revision, snapshot.Services, next, Settle(touched, next), draining.ToImmutable());
    }

    /// <summary>Where a request to this host (without port) and decoded path goes; null when nothing routes it.</summary>
    public (Route Route, Cluster Cluster)? Find(string host, string path)
    {
        if (host.EndsWith('.'))
        {
            host = host.TrimEnd('.');
        }

        return Hosts.TryGetValue(host, out HostRoutes? routes) && routes.Find(path) is { } route
            ? (route, _services[route.Service].Cluster)
            : null;
    }

    /// <summary>A service's destinations; null when the catalog does not hold it.</summary>
    public Cluster? ClusterOf(string service) => _services.GetValueOrDefault(service)?.Cluster;

    /// <summary>What differs between two versions of the catalog: both are sorted, and what is the same is the same object.</summary>
    private static IEnumerable<(string Name, Service? Now)> Changed(
        ImmutableSortedDictionary<string, Service> before, ImmutableSortedDictionary<string, Service> now)
    {
        using var old = before.GetEnumerator();
        using var fresh = now.GetEnumerator();
        bool hasOld = old.MoveNext(), hasFresh = fresh.MoveNext();
        while (hasOld || hasFresh)
        {
            int order = !hasOld ? 1 : !hasFresh ? -1
                : ReferenceEquals(old.Current.Value, fresh.Current.Value) ? 0
                : string.CompareOrdinal(old.Current.Key, fresh.Current.Key);
            if (order < 0)
            {
                yield return (old.Current.Key, null);
            }
            else if (order > 0 || !ReferenceEquals(old.Current.Value, fresh.Current.Value))
            {
                yield return (fresh.Current.Key, fresh.Current.Value);
            }

            hasOld = order <= 0 ? old.MoveNext() : hasOld;
            hasFresh = order >= 0 ? fresh.MoveNext() : hasFresh;
        }
    }

    /// <summary>Notes the hosts whose routes have to be settled anew, and who asks for them now.</summary>
    private void Touch(Dictionary<string, HashSet<string>> touched, ServiceClaims before, ServiceClaims after)
    {
        bool same = before.AsksTheSame(after);
        foreach (Claim claim in before.Claims.Concat(after.Claims))
        {
            // How long a claim has been standing changes with every deploy; where nobody else makes it, that is nothing.
            Route route = claim.Route;
            if (same && !(Hosts.TryGetValue(route.Host, out HostRoutes? host) && host.Contested.Contains(route.Path)))
            {
                continue;
            }

            if (!touched.TryGetValue(route.Host, out HashSet<string>? services))
            {
                touched[route.Host] = services = new(StringComparer.Ordinal);
            }

            services.Add(route.Service);
        }
    }

    private ImmutableDictionary<string, HostRoutes> Settle(
        Dictionary<string, HashSet<string>> touched, ImmutableDictionary<string, ServiceRouting> services)
    {
        var hosts = Hosts.ToBuilder();
        foreach ((string host, HashSet<string> askers) in touched)
        {
            if (hosts.TryGetValue(host, out HostRoutes? before))
            {
                askers.UnionWith(before.Services);
            }

            Claim[] claims = [.. askers
                .SelectMany(s => services.GetValueOrDefault(s)?.Claims.Claims ?? [])
                .Where(c => c.Route.Host == host)];
            if (claims.Length == 0)
            {
                hosts.Remove(host);
            }
            else
            {
                hosts[host] = new(claims);
            }
        }

        return hosts.ToImmutable();
    }

    private sealed record ServiceRouting(ServiceClaims Claims, Cluster Cluster, ImmutableArray<string> Draining)
    {
        public static ServiceRouting Of(Service service, string domain, ServiceRouting? before)
        {
            var cluster = new Cluster(service, before?.Cluster);
            return new(
                ServiceClaims.Of(service, domain),
                cluster,
                [.. cluster.Destinations.Where(static d => d.Value.Instance.State == InstanceState.Draining).Select(static d => d.Key)]);
        }
    }
}
