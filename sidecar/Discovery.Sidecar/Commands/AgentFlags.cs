using System.CommandLine;
using System.Net;
using Discovery.Catalog.Programs;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Commands;

/// <summary>The host agent's own flags.</summary>
internal sealed class AgentFlags
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly Option<string?> _ip = Flags.Text("ip", null, "address of this host, where published ports answer; default: that of the default route's interface");
    private readonly Option<string?> _host = Flags.Text("host", null, "name of this host, unique in the catalog; default: as docker info gives it");
    private readonly Option<Duration> _ttl = Flags.Duration(
        "ttl", TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(5), TimeSpan.FromHours(1), Second, "how long registrations outlive this host's last sign of life (5s to 1h)");

    private readonly Option<Duration> _ttlRefresh = Flags.Duration(
        "ttl-refresh", TimeSpan.FromSeconds(5), Second, TimeSpan.FromMinutes(20), Second, "time between signs of life; below --ttl");

    private readonly Option<Duration> _resync = Flags.Duration(
        "resync", TimeSpan.FromSeconds(30), Second, TimeSpan.FromHours(1), Second, "time between full comparisons of containers and catalog (1s to 1h)");

    private readonly Option<bool> _routeAll = Flags.Switch("route-all", "route services too that did not ask for it");
    private readonly Option<bool> _deregisterOnExit = Flags.Switch("deregister-on-exit", "remove all registrations when stopped; default: they stay for --ttl, so that a restart takes them over");

    private readonly Option<string[]> _mirrors = Flags.Texts("mirror", "copy registrations to a foreign store in registrator's layout, such as consul://host:8500 or etcd://host:2379/services; may be given several times");

    /// <summary>All of them.</summary>
    public IEnumerable<Option> Options => [_ip, _host, _ttl, _ttlRefresh, _resync, _routeAll, _deregisterOnExit, _mirrors];

    /// <summary>Reads and checks them.</summary>
    public SidecarOptions Read(ParseResult parsed, List<string> problems)
    {
        string? ip = parsed.GetValue(_ip);
        IPAddress? address = null;
        if (!string.IsNullOrEmpty(ip) && (!IPAddress.TryParse(ip, out address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
        {
            problems.Add($"--ip is \"{ip}\"; it must be an address at which others reach this host, such as 10.0.0.2");
        }

        var options = new SidecarOptions
        {
            Ip = address,
            Host = parsed.GetValue(_host) is { Length: > 0 } host ? host : null,
            Ttl = parsed.GetValue(_ttl),
            TtlRefresh = parsed.GetValue(_ttlRefresh),
            Resync = parsed.GetValue(_resync),
            RouteAll = parsed.GetValue(_routeAll),
            DeregisterOnExit = parsed.GetValue(_deregisterOnExit),
            Mirrors = ReadMirrors(parsed.GetValue(_mirrors) ?? [], problems),
            Version = Flags.Version,
        };
        problems.AddRange(options.Problems());
        return options;
    }

    private static List<MirrorUri> ReadMirrors(string[] texts, List<string> problems)
    {
        var uris = new List<MirrorUri>();
        foreach (string text in texts)
        {
            try
            {
                uris.Add(MirrorUri.Parse(text, Environment.GetEnvironmentVariable));
            }
            catch (FormatException e)
            {
                problems.Add($"--mirror: {e.Message}");
            }
        }

        return uris;
    }
}
