using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Discovery.Catalog;

namespace Discovery.Sidecar.Registration;

/// <summary>The <c>discovery.*</c> labels of a container, each understood or rejected. Pure.</summary>
internal sealed partial class RouteLabels
{
    private const string Prefix = "discovery.";
    private const string CheckPrefix = Prefix + "check.";

    private static readonly ImmutableArray<string> Known = ["discovery.host", "discovery.path", "discovery.port", "discovery.weight"];

    private readonly List<RejectedLabel> _rejected = [];

    private RouteLabels(ContainerLabels labels)
    {
        foreach ((string name, string value) in labels.Labels)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                First ??= name.ToLowerInvariant();
                string? problem = Understand(name.ToLowerInvariant(), value.Trim());
                if (problem is not null)
                {
                    _rejected.Add(new(name, value, problem));
                }
            }
        }
    }

    /// <summary>Host names that lead here.</summary>
    public ImmutableArray<string> Hosts { get; private set; } = [];

    /// <summary>The path prefix under these hosts, or under the service's own name.</summary>
    public string? Path { get; private set; }

    /// <summary>The container's port that routes lead to.</summary>
    public int? Port { get; private set; }

    /// <summary>Share of requests; 1 when nothing was said.</summary>
    public int Weight { get; private set; } = 1;

    /// <summary>The first of these labels by name, understood or not; null when there are none.</summary>
    public string? First { get; }

    /// <summary>What was not understood.</summary>
    public IReadOnlyList<RejectedLabel> Rejected => _rejected;

    /// <summary>Reads a container's labels.</summary>
    public static RouteLabels Of(ContainerLabels labels) => new(labels);

    /// <summary>
    /// What these labels ask for that the container's ports cannot give: a port that is not there, or no word on which
    /// of several is meant.
    /// </summary>
    public IEnumerable<RejectedLabel> Unmet(IReadOnlyCollection<ContainerPort> ports)
    {
        int[] tcp = [.. ports.Where(static p => p.Protocol == "tcp").Select(static p => p.Number)];
        if (Port is { } port)
        {
            if (!tcp.Contains(port))
            {
                yield return new("discovery.port", port.ToString(CultureInfo.InvariantCulture), $"the container publishes no TCP port {port}; it publishes {ContainerPorts.Names(tcp)}");
            }

            yield break;
        }

        string reason = tcp.Length == 0
            ? "only TCP ports are routed and the container publishes none"
            : $"which port is meant? The container publishes {ContainerPorts.Names(tcp)}; add discovery.port";
        if (tcp.Length != 1 && Hosts.Length > 0)
        {
            yield return new("discovery.host", string.Join(',', Hosts), reason);
        }

        if (tcp.Length != 1 && Path is not null)
        {
            yield return new("discovery.path", Path, reason);
        }
    }

    private string? Understand(string name, string value)
    {
        if (name.StartsWith(CheckPrefix, StringComparison.Ordinal))
        {
            // CheckRules reads these, and rejects what it does not know.
            return null;
        }

        switch (name)
        {
            case "discovery.host":
                string[] hosts = [.. value.Split(',').Select(static h => h.Trim().ToLowerInvariant()).Distinct()];
                if (Array.Find(hosts, static h => !HostName().IsMatch(h)) is { } wrong)
                {
                    return $"\"{wrong}\" is not a host name; wanted one such as shop.example.com, without scheme, port or path; several parted by commas";
                }

                Hosts = [.. hosts];
                return null;

            case "discovery.path":
                if (!UrlPath().IsMatch(value))
                {
                    return "wanted a path that starts with /, such as /api, without ? or #";
                }

                Path = value;
                return null;

            case "discovery.port":
                if (!ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
                {
                    return "wanted one of the container's ports, from 1 to 65535";
                }

                Port = port;
                return null;

            case "discovery.weight":
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int weight) || weight > 1000)
                {
                    return "wanted a whole number from 0 to 1000";
                }

                Weight = weight;
                return null;

            default:
                string? near = Known.Where(k => Near(k, name)).FirstOrDefault();
                return near is null ? $"unknown label; known are {string.Join(", ", Known)}" : $"unknown label; did you mean {near}?";
        }
    }

    /// <summary>Whether at most two letters are missing, surplus, wrong or swapped.</summary>
    internal static bool Near(string known, string typed)
    {
        int[,] distance = new int[known.Length + 1, typed.Length + 1];
        for (int i = 0; i <= known.Length; i++)
        {
            for (int j = 0; j <= typed.Length; j++)
            {
                distance[i, j] = (i, j) switch
                {
                    (0, _) => j,
                    (_, 0) => i,
                    _ => Math.Min(
                        Math.Min(distance[i - 1, j], distance[i, j - 1]) + 1,
                        distance[i - 1, j - 1] + (known[i - 1] == typed[j - 1] ? 0 : 1)),
                };
                if (i > 1 && j > 1 && known[i - 1] == typed[j - 2] && known[i - 2] == typed[j - 1])
                {
                    distance[i, j] = Math.Min(distance[i, j], distance[i - 2, j - 2] + 1);
                }
            }
        }

        return distance[known.Length, typed.Length] <= 2;
    }

    [GeneratedRegex(@"\A(?=.{1,253}\z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\z")]
    private static partial Regex HostName();

    [GeneratedRegex(@"\A/[^\s?#\\]{0,255}\z")]
    private static partial Regex UrlPath();
}
