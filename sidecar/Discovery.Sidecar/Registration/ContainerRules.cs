using System.Collections.Immutable;
using System.Globalization;
using Discovery.Catalog;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Registration;

/// <summary>A container as it is now → the instances that it should have in the catalog, or why not. Pure.</summary>
/// <param name="host">This host's name.</param>
/// <param name="policy">What the host knows and allows: its address, commands as checks.</param>
/// <param name="routeAll">Whether containers are routed that did not ask for it.</param>
/// <param name="board">What own checks have said; only read.</param>
internal sealed class ContainerRules(string host, CheckPolicy policy, bool routeAll, CheckBoard board)
{
    private readonly string _hostAddress = policy.HostAddress;

    /// <summary>The verdict on a container; null when it does not run and so concerns nobody.</summary>
    public ContainerVerdict? Judge(Container container)
    {
        if (container.Unreadable is null && container.State?.Status is not ("running" or "paused"))
        {
            return null;
        }

        var labels = ContainerLabels.Of(container);
        var blank = new ContainerVerdict
        {
            Id = container.Id,
            Name = ContainerNames.ContainerName(container),
            Image = container.Config?.Image ?? "",
            StartedAt = container.State?.StartedAt,
            HealthGrace = ContainerHealth.Grace(container.Config),
        };
        if (Exempt(container, labels) is { } reason)
        {
            return blank with { Refused = reason };
        }

        var routes = RouteLabels.Of(labels);
        (ImmutableArray<ContainerPort> all, string? refused) = ContainerPorts.Of(container, _hostAddress, routes.Port);
        ImmutableArray<ContainerPort> ports = [.. all.Where(p => !labels.IsIgnored(p.Number))];
        refused ??= ports.IsEmpty ? $"every published port is ignored: SERVICE_<port>_IGNORE is set for {ContainerPorts.Names(all.Select(static p => p.Number))}" : null;
        var rejected = routes.Rejected
            .Concat(refused is null ? routes.Unmet(ports) : [])
            .Concat(labels.Rejected([.. all.Select(static p => p.Number)]))
            .ToList();
        if (refused is not null)
        {
            return blank with { Refused = refused, Rejected = Bounded(rejected) };
        }

        return Register(blank, container, ports, labels, routes, rejected);
    }

    private ContainerVerdict Register(
        ContainerVerdict blank,
        Container container,
        ImmutableArray<ContainerPort> ports,
        ContainerLabels labels,
        RouteLabels routes,
        List<RejectedLabel> rejected)
    {
        var roads = new ContainerRoutes(labels, routes, ports.Count(static p => p.Protocol == "tcp"), routeAll);
        var reference = Reference(container, labels);
        InstanceCheck? healthcheck = ContainerHealth.Check(container.State!);
        CheckSet checks = CheckRules.Of(container, labels, ports, routes.Port, policy);
        rejected.AddRange(checks.Rejected);
        var instances = new List<ServiceInstance>();
        var unnamed = new List<string>();
        foreach (ContainerPort port in ports)
        {
            bool withPort = ports.Length > 1 && routes.Port != port.Number;
            var name = ContainerNames.Of(container, labels, port.Number, withPort);
            if (name.Problem is { } problem)
            {
                unnamed.Add(name.Given is { } given ? $"{given.Label} is \"{given.Value}\": {problem}" : $"{problem}; give it one with SERVICE_NAME");
                if (name.Given is var (label, value))
                {
                    rejected.Add(new(label, value, $"port {port}: {problem}"));
                }

                continue;
            }

            InstanceHealth health = board.Of(container.Id, checks, port.Number, healthcheck);
            if (health.IsDeregistered)
            {
                unnamed.Add($"port {port}: a check has been critical for longer than the instance may stay; it comes back when the check passes");
                continue;
            }

            instances.Add(new()
            {
                Id = Id(blank.Name, port),
                Service = name.Name,
                Host = host,
                Address = port.Address,
                Port = port.HostPort,
                Protocol = port.Protocol,
                Tags = labels.Tags(port.Number),
                Meta = labels.Meta(port.Number),
                Weight = routes.Weight,
                Health = health.Health,
                Checks = health.Checks,
                Routes = roads.To(port),
                Addresses = port.Others,
                Container = reference,
            });
        }

        EquatableArray<RejectedLabel> shown = Bounded(rejected);
        return blank with
        {
            Instances = instances.Select(i => i with { Rejected = shown }).ToEquatableArray(),
            Rejected = shown,
            Checks = checks.Specs,
            Refused = instances.Count == 0 ? string.Join("; ", unnamed.Distinct()) : null,
            Warnings = ports
                .Where(p => p.IsLocal && p.Address != _hostAddress)
                .Select(static p => $"port {p} is published on {p.Address}: reachable from this host only")
                .ToEquatableArray(),
        };
    }

    private static string? Exempt(Container container, ContainerLabels labels)
    {
        if (container.Unreadable is { } problem)
        {
            return $"what the engine says of it cannot be read: {problem}";
        }

        if (labels.Labels.GetValueOrDefault("com.docker.compose.oneoff")?.ToLowerInvariant() == "true")
        {
            return "it is a one-off container of docker compose run (label com.docker.compose.oneoff)";
        }

        return labels.Ignored is { } ignore ? $"{ignore.Label} is \"{ignore.Value}\"" : null;
    }

    private static ContainerReference Reference(Container container, ContainerLabels labels) => new()
    {
        Id = container.Id,
        Name = ContainerNames.ContainerName(container),
        Image = container.Config?.Image ?? "",
        Project = labels.Labels.GetValueOrDefault("com.docker.compose.project"),
        Service = labels.Labels.GetValueOrDefault("com.docker.compose.service"),
        ConfigHash = labels.Labels.GetValueOrDefault("com.docker.compose.config-hash"),
    };

    private string Id(string container, ContainerPort port) =>
        string.Create(CultureInfo.InvariantCulture, $"{host}:{container}:{port.Number}{(port.Protocol == "udp" ? ":udp" : "")}");

    private static EquatableArray<RejectedLabel> Bounded(List<RejectedLabel> rejected)
    {
        var distinct = rejected.Distinct().ToList();
        return distinct.Count <= Limits.Rejected
            ? distinct.ToEquatableArray()
            : distinct.Take(Limits.Rejected).Append(new("…", "", $"and {distinct.Count - Limits.Rejected} more")).ToEquatableArray();
    }
}
