using System.Buffers;
using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Proxy.Routing;

/// <summary>What one service asks of the proxy: its claims, one for each host and path, and what cannot be served.</summary>
internal sealed record ServiceClaims(ImmutableArray<Claim> Claims, ImmutableArray<RouteProblem> Problems)
{
    /// <summary>A service that asks for nothing.</summary>
    public static readonly ServiceClaims None = new([], []);

    private static readonly SearchValues<char> HostCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-_");

    /// <summary>
    /// Reads the routes of all instances. A route that makes no sense is quarantined alone; the others are served.
    /// Instances of one service that ask for the same host and path ask once, with the highest priority among them.
    /// </summary>
    public static ServiceClaims Of(Service service, string domain)
    {
        var claims = new SortedDictionary<(string Host, string Path), Claim>();
        var problems = new HashSet<RouteProblem>();
        foreach (ServiceInstance instance in service.Instances)
        {
            foreach (InstanceRoute asked in instance.Routes)
            {
                // RFC 1035: names differ neither by case nor by the dot at their end.
                string host = (asked.Host ?? $"{service.Name}.{domain}").ToLowerInvariant().TrimEnd('.');
                string path = (asked.Path ?? "").TrimEnd('/');
                string? problem = Problem(asked, instance, host, path)
                    ?? (claims.Count >= Limits.RoutesPerService && !claims.ContainsKey((host, path))
                        ? $"the service asks for more than {Limits.RoutesPerService} routes"
                        : null);
                if (problem is not null)
                {
                    problems.Add(new(service.Name, asked.Host ?? host, asked.Path ?? "", asked.Source, problem));
                    continue;
                }

                var claim = new Claim(new(host, path, service.Name, asked.Priority ?? 0, asked.Source), instance.RegisteredAt);
                claims[(host, path)] = claims.TryGetValue((host, path), out Claim? other) ? Merge(other, claim) : claim;
            }
        }

        return claims.Count + problems.Count == 0 ? None : new([.. claims.Values], [.. problems.OrderBy(static p => p.ToString(), StringComparer.Ordinal)]);
    }

    /// <summary>Equal as far as routing goes; how old a claim is matters only where another service makes it too.</summary>
    public bool AsksTheSame(ServiceClaims other) =>
        Claims.Length == other.Claims.Length
        && Claims.AsSpan().SequenceEqual(other.Claims.AsSpan(), SameRoute.Comparer);

    private static Claim Merge(Claim one, Claim two) =>
        new(
            one.Route.Priority >= two.Route.Priority ? one.Route : two.Route,
            (one.RegisteredAt ?? DateTimeOffset.MaxValue) <= (two.RegisteredAt ?? DateTimeOffset.MaxValue) ? one.RegisteredAt : two.RegisteredAt);

    private static string? Problem(InstanceRoute asked, ServiceInstance instance, string host, string path) => asked switch
    {
        { Unknown.Count: > 0 } => $"unknown field {string.Join(", ", asked.Unknown.Keys.Order(StringComparer.Ordinal))}; this proxy knows host, path, priority and source",
        _ when instance.Protocol != "tcp" => $"instance {instance.Id} speaks {instance.Protocol}; only tcp can be routed",
        _ => HostProblem(host) ?? PathProblem(asked.Path, path),
    };

    private static string? HostProblem(string host) => host switch
    {
        { Length: 0 } => "the host is empty",
        { Length: > Limits.HostLength } => $"the host has {host.Length} characters; at most {Limits.HostLength} are possible",
        _ when host.Contains('*', StringComparison.Ordinal) => $"the host is \"{host}\"; wildcards are not served, name each host",
        _ when host.AsSpan().ContainsAnyExcept(HostCharacters) || host[0] is '.' or '-' || host.Contains("..", StringComparison.Ordinal) =>
            $"the host is \"{host}\"; it must be a host name without scheme, port and path",
        _ => null,
    };

    /// <summary>
    /// Requests are matched by their decoded path, in which the server has resolved dot segments: a route that holds
    /// what cannot be left there would never match.
    /// </summary>
    private static string? PathProblem(string? asked, string path) => path switch
    {
        _ when asked is { Length: > 0 } && asked[0] != '/' => $"the path is \"{asked}\"; it must start with /",
        { Length: > Limits.PathLength } => $"the path has {path.Length} characters; at most {Limits.PathLength} are possible",
        _ when path.AsSpan().IndexOfAny("?#%*") is var at and >= 0 => $"the path is \"{path}\"; it must be a plain prefix without {path[at]}, unescaped",
        _ when path.Any(static c => char.IsControl(c) || c == ' ') => "the path holds a blank or a control character",
        _ when path.Contains("//", StringComparison.Ordinal) || path.Split('/').Any(static s => s is "." or "..") =>
            $"the path is \"{path}\"; it must not hold empty, . or .. segments",
        _ => null,
    };

    private sealed class SameRoute : IEqualityComparer<Claim>
    {
        public static readonly SameRoute Comparer = new();

        public bool Equals(Claim? x, Claim? y) => x?.Route == y?.Route;

        public int GetHashCode(Claim obj) => obj.Route.GetHashCode();
    }
}
