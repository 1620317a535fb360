using System.CommandLine;
using System.Net;
using Discovery.Catalog.Programs;
using Discovery.Sidecar.DropIn;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.Commands;

/// <summary>The host agent's own flags.</summary>
internal sealed class AgentFlags
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly Option<string?> _ip = Flags.Text("ip", null, "address of this host, where published ports answer; default: that of the default route's interface");
    private readonly Option<string?> _host = Flags.Text("host", null, "name of this host, unique in the catalog; default: as docker info gives it");
    private readonly Option<Duration> _ttl = Flags.Duration(
        "ttl", TimeSpan.FromSeconds(15), TimeSpan.Zero, TimeSpan.FromDays(1), Second, "how long registrations outlive this host's last sign of life (at least 5s; with a registry URI 0, the default there, is for ever)");

    private readonly Option<Duration> _ttlRefresh = Flags.Duration(
        "ttl-refresh", TimeSpan.FromSeconds(5), TimeSpan.Zero, TimeSpan.FromDays(1), Second, "time between signs of life; below --ttl");

    private readonly Option<Duration> _resync = Flags.Duration(
        "resync", TimeSpan.FromSeconds(30), TimeSpan.Zero, TimeSpan.FromHours(24), Second, "time between full comparisons of containers and catalog; 0 is the default, for there is no going without");

    private readonly Option<bool> _routeAll = Flags.Switch("route-all", "route services too that did not ask for it");
    private readonly Option<bool> _deregisterOnExit = Flags.Switch("deregister-on-exit", "remove all registrations when stopped; default: they stay for --ttl, so that a restart takes them over");

    private readonly Option<string[]> _mirrors = Flags.Texts("mirror", "copy registrations to a foreign store in registrator's layout, such as consul://host:8500 or etcd://host:2379/services; may be given several times");

    private readonly Option<bool> _enableExecChecks = Flags.Switch("enable-exec-checks", "run commands in containers that ask for it by a check (discovery.check.exec, SERVICE_CHECK_SCRIPT)");
    private readonly DropInFlags _dropIn = new();

    /// <summary>All of them.</summary>
    public IEnumerable<Option> Options => [_ip, _host, _ttl, _ttlRefresh, _resync, _routeAll, _deregisterOnExit, _mirrors, _enableExecChecks, .. _dropIn.Options];

    /// <summary>Reads and checks them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="registry">The registry's URI when the program was started as registrator is; else null.</param>
    /// <param name="problems">Gets a line for each that is wrong.</param>
    public SidecarOptions Read(ParseResult parsed, string? registry, List<string> problems)
    {
        DropInOptions? dropIn = _dropIn.Read(parsed, registry, problems);
        string? ip = parsed.GetValue(_ip);
        IPAddress? address = null;
        if (!string.IsNullOrEmpty(ip) && (!IPAddress.TryParse(ip, out address) || address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any)))
        {
            problems.Add($"--ip is \"{ip}\"; it must be an address at which others reach this host, such as 10.0.0.2");
        }

        var options = new SidecarOptions
        {
            Ip = address,
            Host = parsed.GetValue(_host) is { Length: > 0 } host ? host : dropIn is null ? null : DropInFlags.ProcessHostname,
            Ttl = TimeOf(parsed, _ttl, dropIn),
            TtlRefresh = TimeOf(parsed, _ttlRefresh, dropIn),
            Resync = parsed.GetValue(_resync).Time is { Ticks: > 0 } resync ? resync : TimeSpan.FromSeconds(30),
            RouteAll = parsed.GetValue(_routeAll),
            DeregisterOnExit = parsed.GetValue(_deregisterOnExit),
            Mirrors = [.. dropIn is null ? [] : (MirrorUri[])[dropIn.Registry], .. ReadMirrors(parsed.GetValue(_mirrors) ?? [], problems)],
            DropIn = dropIn,
            EnableExecChecks = parsed.GetValue(_enableExecChecks),
            Version = Flags.Version,
        };
        problems.AddRange(options.Problems());
        return options;
    }

    /// <summary>registrator's default is no TTL.</summary>
    private static TimeSpan TimeOf(ParseResult parsed, Option<Duration> option, DropInOptions? dropIn) =>
        dropIn is not null && parsed.GetResult(option) is null or { Implicit: true } ? TimeSpan.Zero : parsed.GetValue(option);

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
