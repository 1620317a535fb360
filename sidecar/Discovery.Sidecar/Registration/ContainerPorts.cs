using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Registration;

/// <summary>One port of a container, and where on the host it answers.</summary>
/// <param name="Number">The container's own port.</param>
/// <param name="Protocol">tcp or udp.</param>
/// <param name="Address">The address to register.</param>
/// <param name="HostPort">The port at that address.</param>
/// <param name="Others">Further <c>address:port</c>.</param>
internal sealed record ContainerPort(int Number, string Protocol, string Address, int HostPort, EquatableArray<string> Others)
{
    /// <summary>Whether only processes of the same host reach it.</summary>
    public bool IsLocal => IPAddress.TryParse(Address, out IPAddress? address) && IPAddress.IsLoopback(address);

    /// <summary>As Docker writes it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number}/{Protocol}");
}

/// <summary>Which ports of a container are reachable, and where. Pure.</summary>
internal static class ContainerPorts
{
    /// <summary>The ports, ascending. Empty with the reason when there are none.</summary>
    /// <param name="container">As inspected, running.</param>
    /// <param name="hostAddress">Where ports that are published on all addresses answer.</param>
    /// <param name="wanted">A port that the container's labels name; in host networking it need not be exposed.</param>
    public static (ImmutableArray<ContainerPort> Ports, string? Refused) Of(Container container, string hostAddress, int? wanted)
    {
        string mode = container.HostConfig?.NetworkMode ?? "";
        IEnumerable<string> exposed = container.Config?.ExposedPorts?.Keys ?? Enumerable.Empty<string>();
        if (mode == "host")
        {
            var own = exposed.Concat(wanted is { } port ? [string.Create(CultureInfo.InvariantCulture, $"{port}/tcp")] : [])
                .Distinct()
                .Select(key => Parse(key) is { } p ? new ContainerPort(p.Number, p.Protocol, hostAddress, p.Number, []) : null);
            return Sorted(own) is { IsEmpty: false } ports
                ? (ports, null)
                : ([], "host networking and no port: the image exposes none; add EXPOSE to it or the label discovery.port=<port>");
        }

        var published = (container.NetworkSettings?.Ports ?? [])
            .Select(entry => Parse(entry.Key) is { } p ? Bound(p, entry.Value, hostAddress) : null);
        if (Sorted(published) is { IsEmpty: false } found)
        {
            return (found, null);
        }

        return ([], mode switch
        {
            "none" => "no port is published: its network mode is none",
            _ when mode.StartsWith("container:", StringComparison.Ordinal) =>
                $"no port is published: it lives in the network of container {mode["container:".Length..]}; publish the port there",
            _ when exposed.Any() => $"no port is published; publish {string.Join(", ", exposed.Order(StringComparer.Ordinal))} with -p or -P",
            _ => "no port is published; publish one with -p <port>",
        });
    }

    /// <summary>Port numbers for a message.</summary>
    public static string Names(IEnumerable<int> ports) => string.Join(", ", ports.Distinct().Order()) is { Length: > 0 } names ? names : "none";

    private static ImmutableArray<ContainerPort> Sorted(IEnumerable<ContainerPort?> ports) =>
        [.. ports.OfType<ContainerPort>().OrderBy(static p => p.Number).ThenBy(static p => p.Protocol, StringComparer.Ordinal)];

    private static (int Number, string Protocol)? Parse(string key)
    {
        string[] parts = key.Split('/');
        string protocol = parts.Length == 2 ? parts[1] : "tcp";
        return ushort.TryParse(parts[0], out ushort number) && number > 0 && protocol is "tcp" or "udp" ? (number, protocol) : null;
    }

    /// <summary>The first IPv4 binding, else the first of IPv6; the others beside it.</summary>
    private static ContainerPort? Bound((int Number, string Protocol) port, PortBinding[]? bindings, string hostAddress)
    {
        var usable = (bindings ?? [])
            .Select(static b => (Ip: Address(b.HostIp), IsPort: ushort.TryParse(b.HostPort, out ushort number), Port: (int)number))
            .Where(static b => b is { Ip: not null, IsPort: true, Port: > 0 })
            .ToList();
        int index = Math.Max(0, usable.FindIndex(static b => b.Ip!.AddressFamily == AddressFamily.InterNetwork));
        if (usable.Count == 0)
        {
            return null;
        }

        string main = At(usable[index].Ip!);
        int hostPort = usable[index].Port;

        // "[::]" beside "0.0.0.0" is the same door, seen from a host of which one address is known.
        var others = usable
            .Where((b, i) => i != index && !b.Ip!.Equals(IPAddress.IPv6Any))
            .Select(b => Endpoint(At(b.Ip!), b.Port))
            .Where(endpoint => endpoint != Endpoint(main, hostPort))
            .Distinct();
        return new(port.Number, port.Protocol, main, hostPort, others.ToEquatableArray());

        string At(IPAddress ip) => ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any) ? hostAddress : ip.ToString();
    }

    private static IPAddress? Address(string? hostIp) =>
        string.IsNullOrEmpty(hostIp) ? IPAddress.Any : IPAddress.TryParse(hostIp, out IPAddress? ip) ? ip : null;

    private static string Endpoint(string address, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address)}:{port}");
}
