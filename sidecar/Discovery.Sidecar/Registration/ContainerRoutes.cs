using Discovery.Catalog;

namespace Discovery.Sidecar.Registration;

/// <summary>
/// Whether and how a port is routed: only when the container asks for it, or for all with <c>--route-all</c>. Every
/// route names what asked for it. Pure.
/// </summary>
internal sealed class ContainerRoutes(ContainerLabels labels, RouteLabels routes, int tcpPorts, bool routeAll)
{
    /// <summary>The routes that lead to this port; none = not routed.</summary>
    public EquatableArray<InstanceRoute> To(ContainerPort port)
    {
        if (port.Protocol != "tcp")
        {
            return [];
        }

        // With discovery.port the others stay in the catalog and off the web, unless they have a name of their own.
        bool chosen = routes.Port is null || routes.Port == port.Number;
        bool meant = chosen && (routes.Port is not null || tcpPorts == 1);
        var found = new List<InstanceRoute>();
        if (meant)
        {
            found.AddRange(routes.Hosts.Select(host => new InstanceRoute { Host = host, Path = routes.Path, Source = "label discovery.host" }));
        }

        if (meant && routes.Hosts.IsEmpty && routes.Path is not null)
        {
            found.Add(new() { Path = routes.Path, Source = "label discovery.path" });
        }
        else if (labels.PortName(port.Number) is { } name)
        {
            found.Add(new() { Source = name.Label });
        }
        else if (chosen && labels.Name is { } shared)
        {
            found.Add(new() { Source = shared.Label });
        }

        if (found.Count == 0 && chosen && (routes.First is { } first ? $"label {first}" : Foreign(port.Number)) is { } source)
        {
            found.Add(new() { Source = source });
        }

        if (found.Count == 0 && routeAll)
        {
            found.Add(new() { Source = "--route-all" });
        }

        return found.ToEquatableArray();
    }

    /// <summary>Another proxy's words that ask for a route; their details are not read.</summary>
    private string? Foreign(int port)
    {
        string? traefik = labels.Labels.GetValueOrDefault("traefik.enable")?.ToLowerInvariant() == "false"
            ? null
            : labels.Labels.Keys.FirstOrDefault(static k => k.StartsWith("traefik.", StringComparison.OrdinalIgnoreCase));
        if (traefik is not null)
        {
            return $"label {traefik}";
        }

        string? variable = labels.Environment.Keys.Concat(labels.Labels.Keys)
            .FirstOrDefault(static k => k.StartsWith("VIRTUAL_", StringComparison.Ordinal));
        return variable
            ?? labels.Tags(port).Where(static t => t.StartsWith("urlprefix-", StringComparison.Ordinal)).Select(static t => $"tag {t}").FirstOrDefault();
    }
}
