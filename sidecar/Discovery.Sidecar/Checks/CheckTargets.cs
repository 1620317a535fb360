using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Checks;

/// <summary>What the host allows and knows, as far as checks depend on it.</summary>
/// <param name="HostAddress">Where ports that are published on all addresses answer.</param>
/// <param name="AllowsCommands"><c>--enable-exec-checks</c>.</param>
/// <param name="IsBridged">Whether the sidecar has a network of its own: its 127.0.0.1 is not the host's.</param>
internal sealed record CheckPolicy(string HostAddress, bool AllowsCommands = false, bool IsBridged = false);

/// <summary>
/// At which address a container is asked how it is. Only its own: in order, 127.0.0.1 in host networking, its address
/// in a network, a published port. Pure.
/// </summary>
/// <param name="container">As inspected, running.</param>
/// <param name="ports">Its reachable ports.</param>
/// <param name="policy">What the host knows.</param>
/// <param name="network">
/// Whose networks count: the container itself, or the one that <c>container:</c> mode names; null when that one is not known.
/// </param>
internal sealed class CheckTargets(Container container, IReadOnlyCollection<ContainerPort> ports, CheckPolicy policy, Container? network)
{
    /// <summary>The target for one of the container's ports, published or not; or why there is none.</summary>
    public (CheckTarget? Target, string? Problem) At(int port)
    {
        string mode = network?.HostConfig?.NetworkMode ?? container.HostConfig?.NetworkMode ?? "";
        if (mode == "host")
        {
            return OnHost(port);
        }

        if (Own(mode) is { } own)
        {
            return (new(own.Address, port, $"address of the container in network {own.Network}"), null);
        }

        ContainerPort? published = ports.FirstOrDefault(p => p.Number == port && p.Protocol == "tcp");
        if (published is not null)
        {
            bool isLocal = published.Address == policy.HostAddress && !policy.IsBridged;
            return (new(isLocal ? "127.0.0.1" : published.Address, published.HostPort, "published port: the container has no address of its own"), null);
        }

        string where = mode.StartsWith("container:", StringComparison.Ordinal)
            ? $"it lives in the network of container {mode["container:".Length..]}, which is not known here"
            : "it has no address of its own";
        return (null, string.Create(CultureInfo.InvariantCulture, $"port {port} of the container cannot be reached: {where}, and the port is not published"));
    }

    private (CheckTarget? Target, string? Problem) OnHost(int port)
    {
        if (!policy.IsBridged)
        {
            return (new("127.0.0.1", port, "host networking"), null);
        }

        return IPAddress.TryParse(policy.HostAddress, out IPAddress? host) && !IPAddress.IsLoopback(host)
            ? (new(policy.HostAddress, port, "host networking, from a sidecar with a network of its own"), null)
            : (null, "the container uses the host's network, which a sidecar with a network of its own cannot reach; run it with --net=host or give it -ip");
    }

    /// <summary>The network that it was created with first, then by name: the same one at every look.</summary>
    private (string Network, string Address)? Own(string mode)
    {
        var all = (network?.NetworkSettings?.Networks ?? [])
            .OrderByDescending(n => n.Key == mode || (n.Key == "bridge" && mode is "default" or ""))
            .ThenBy(static n => n.Key, StringComparer.Ordinal)
            .ToList();
        foreach (AddressFamily family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            foreach ((string name, EndpointSettings? endpoint) in all)
            {
                string? text = family == AddressFamily.InterNetwork ? endpoint?.IPAddress : endpoint?.GlobalIPv6Address;
                if (IPAddress.TryParse(text, out IPAddress? address) && address.AddressFamily == family)
                {
                    return (name, address.ToString());
                }
            }
        }

        return null;
    }
}
