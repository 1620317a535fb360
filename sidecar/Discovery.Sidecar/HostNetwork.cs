using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar;

/// <summary>One address of one network interface.</summary>
internal readonly record struct InterfaceAddress(string Interface, IPAddress Address);

/// <summary>What this process sees of the host's network, and the address that follows from it. <see cref="Address"/> is pure.</summary>
internal sealed partial record HostNetwork
{
    /// <summary>Whether this process lives in a container that has a network of its own: what it sees is not the host's.</summary>
    public bool IsBridged { get; init; }

    /// <summary>The interface that the default route leaves by; null when there is none.</summary>
    public string? DefaultInterface { get; init; }

    /// <summary>All addresses of interfaces that are up.</summary>
    public ImmutableArray<InterfaceAddress> Addresses { get; init; } = [];

    /// <summary>Looks at the machine; asks the engine about our own container, if we are in one.</summary>
    public static async Task<HostNetwork> ReadAsync(DockerClient docker, CancellationToken cancellation)
    {
        string? self = OwnContainerId(await LinesAsync("/proc/self/mountinfo", cancellation));
        Container? own = self is null ? null : await docker.InspectAsync(self, cancellation);
        return new()
        {
            IsBridged = own is not null && own.HostConfig?.NetworkMode != "host",
            DefaultInterface = DefaultRoute(await LinesAsync("/proc/net/route", cancellation)),
            Addresses =
            [
                .. from one in NetworkInterface.GetAllNetworkInterfaces()
                   where one.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown
                   from unicast in one.GetIPProperties().UnicastAddresses
                   select new InterfaceAddress(one.Name, unicast.Address),
            ],
        };
    }

    /// <summary>
    /// Where published ports answer: what the operator says, else the default route's interface, else what Swarm
    /// advertises; else only this host itself, with the flag that changes that.
    /// </summary>
    public (string Address, string? Warning) Address(IPAddress? given, string? swarmAddress)
    {
        if (given is not null)
        {
            return (given.ToString(), null);
        }

        if (!IsBridged && DefaultInterface is not null && !IsDockers(DefaultInterface))
        {
            IPAddress? found = Addresses.Where(a => a.Interface == DefaultInterface).Select(static a => a.Address)
                .FirstOrDefault(static a => a.AddressFamily == AddressFamily.InterNetwork);
            if (found is not null)
            {
                return (found.ToString(), null);
            }
        }

        if (IPAddress.TryParse(swarmAddress, out IPAddress? swarm))
        {
            return (swarm.ToString(), null);
        }

        string why = IsBridged
            ? "the sidecar runs in a container with a network of its own and cannot see the host's address"
            : "no default route shows which address is the host's";
        return (IPAddress.Loopback.ToString(),
            $"{why}: services are registered as reachable from this host only; add -ip <the host's address>{(IsBridged ? ", or run the sidecar with --net=host" : "")}");
    }

    /// <summary>The interface of the IPv4 default route with the lowest metric, from <c>/proc/net/route</c>.</summary>
    internal static string? DefaultRoute(IEnumerable<string> lines) => lines
        .Select(static line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        .Where(static f => f.Length >= 8 && f[1] == "00000000" && f[7] == "00000000")
        .OrderBy(static f => int.TryParse(f[6], CultureInfo.InvariantCulture, out int metric) ? metric : int.MaxValue)
        .Select(static f => f[0])
        .FirstOrDefault(static name => !IsDockers(name));

    /// <summary>
    /// Our own container, from <c>/proc/self/mountinfo</c>: the engine mounts <c>/etc/hostname</c> from a folder that is
    /// named by the id, whatever the cgroup version and the host name are.
    /// </summary>
    internal static string? OwnContainerId(IEnumerable<string> lines) => lines
        .Where(static line => line.Contains(" /etc/hostname ", StringComparison.Ordinal))
        .Select(static line => ContainerFolder().Match(line))
        .Where(static match => match.Success)
        .Select(static match => match.Groups[1].Value)
        .FirstOrDefault();

    private static bool IsDockers(string name) =>
        name.StartsWith("docker", StringComparison.Ordinal)
        || name.StartsWith("br-", StringComparison.Ordinal)
        || name.StartsWith("veth", StringComparison.Ordinal);

    private static async Task<string[]> LinesAsync(string path, CancellationToken cancellation)
    {
        try
        {
            return await File.ReadAllLinesAsync(path, cancellation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    [GeneratedRegex("/(?:containers|overlay-containers)/([0-9a-f]{64})/")]
    private static partial Regex ContainerFolder();
}
