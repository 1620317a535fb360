using System.Collections.Immutable;

namespace Discovery.Proxy.Routing;

/// <summary>All routes of one host; immutable. Finding the one for a path costs one look-up per path segment at most.</summary>
internal sealed class HostRoutes
{
    private readonly Route? _root;
    private readonly Dictionary<string, Route>.AlternateLookup<ReadOnlySpan<char>> _byPath;
    private readonly int _depthMax;

    /// <summary>Settles all claims to this host: of those to one path the best is served, the others are problems.</summary>
    public HostRoutes(IEnumerable<Claim> claims)
    {
        var routes = new Dictionary<string, Route>(StringComparer.Ordinal);
        var problems = ImmutableArray.CreateBuilder<RouteProblem>();
        var services = ImmutableSortedSet.CreateBuilder<string>(StringComparer.Ordinal);
        var contested = ImmutableHashSet.CreateBuilder<string>(StringComparer.Ordinal);
        foreach (Claim claim in claims.OrderBy(static c => c.Route.Path, StringComparer.Ordinal).ThenBy(static c => c))
        {
            Route route = claim.Route;
            services.Add(route.Service);
            if (routes.TryAdd(route.Path, route))
            {
                _depthMax = Math.Max(_depthMax, route.Path.AsSpan().Count('/'));
                continue;
            }

            Route winner = routes[route.Path];
            contested.Add(route.Path);
            problems.Add(new(route.Service, route.Host, route.Path, route.Source, winner.Priority > route.Priority
                ? $"service {winner.Service} claims it too, with priority {winner.Priority} against {route.Priority}"
                : $"service {winner.Service} claims it too and is registered for longer; a higher priority on either side decides"));
        }

        _byPath = routes.GetAlternateLookup<ReadOnlySpan<char>>();
        routes.TryGetValue("", out _root);
        Routes = [.. routes.Values.OrderBy(static r => r.Path, StringComparer.Ordinal)];
        Problems = problems.ToImmutable();
        Services = services.ToImmutable();
        Contested = contested.ToImmutable();
    }

    /// <summary>The routes served, by path.</summary>
    public ImmutableArray<Route> Routes { get; }

    /// <summary>The claims that lost.</summary>
    public ImmutableArray<RouteProblem> Problems { get; }

    /// <summary>Who claims anything of this host, winners and losers.</summary>
    public ImmutableSortedSet<string> Services { get; }

    /// <summary>Paths that more than one service claims: only there the age of a claim matters.</summary>
    public ImmutableHashSet<string> Contested { get; }

    /// <summary>The route for a decoded path: the highest priority among those that are a prefix by segment, then the longest.</summary>
    public Route? Find(string path)
    {
        Route? best = _root;
        int end = 0;
        for (int depth = 0; depth < _depthMax && end < path.Length; depth++)
        {
            int slash = path.IndexOf('/', end + 1);
            end = slash < 0 ? path.Length : slash;
            if (_byPath.TryGetValue(path.AsSpan(0, end), out Route? longer) && (best is null || longer.Priority >= best.Priority))
            {
                best = longer;
            }
        }

        return best;
    }
}
