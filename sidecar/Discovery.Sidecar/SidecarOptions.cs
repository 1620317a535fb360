using System.Net;
using Discovery.Sidecar.DropIn;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar;

/// <summary>What can be set on the host's agent, by its flags' names.</summary>
internal sealed record SidecarOptions
{
    /// <summary><c>--ip</c>: where published ports answer. Null: found out.</summary>
    public IPAddress? Ip { get; init; }

    /// <summary><c>--host</c>: the host's name. Null: as the engine says.</summary>
    public string? Host { get; init; }

    /// <summary><c>--ttl</c>: how long registrations outlive the last renewal. 5 s to 1 h; default 15 s.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary><c>--ttl-refresh</c>: time between renewals, below the TTL. Default 5 s: two may be lost.</summary>
    public TimeSpan TtlRefresh { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>--resync</c>: time between full diffs. 1 s to 1 h; default 30 s.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary><c>--route-all</c>: whether containers are routed that did not ask for it.</summary>
    public bool RouteAll { get; init; }

    /// <summary><c>--deregister-on-exit</c>: whether registrations go with this process and not with their lease.</summary>
    public bool DeregisterOnExit { get; init; }

    /// <summary><c>--enable-exec-checks</c>: whether containers may ask for commands that are run in them.</summary>
    public bool EnableExecChecks { get; init; }

    /// <summary><c>--mirror</c>: foreign stores that get copies of this host's registrations, in registrator's layout.</summary>
    public IReadOnlyList<MirrorUri> Mirrors { get; init; } = [];

    /// <summary>Set when the program was started as registrator is, with a registry's URI; then there is no catalog.</summary>
    public DropInOptions? DropIn { get; init; }

    /// <summary>The program's version, as the host's record tells it.</summary>
    public string Version { get; init; } = "";

    /// <summary>Every problem, a line each.</summary>
    public IEnumerable<string> Problems()
    {
        if (DropIn is not null)
        {
            if (Ttl > TimeSpan.Zero != TtlRefresh > TimeSpan.Zero)
            {
                yield return "-ttl and -ttl-refresh go together: give both, or none";
            }
            else if (Ttl > TimeSpan.Zero && TtlRefresh >= Ttl)
            {
                yield return $"-ttl-refresh is {Catalog.Programs.Flags.Format(TtlRefresh)}; it must be below -ttl ({Catalog.Programs.Flags.Format(Ttl)})";
            }
        }
        else if (Ttl < TimeSpan.FromSeconds(5) || Ttl > TimeSpan.FromHours(1))
        {
            yield return $"--ttl is {Catalog.Programs.Flags.Format(Ttl)}; it must be a time from 5s to 1h";
        }
        else if (TtlRefresh < TimeSpan.FromSeconds(1))
        {
            yield return $"--ttl-refresh is {Catalog.Programs.Flags.Format(TtlRefresh)}; it must be at least 1s";
        }
        else if (TtlRefresh >= Ttl)
        {
            yield return $"--ttl-refresh is {Catalog.Programs.Flags.Format(TtlRefresh)}; it must be below --ttl ({Catalog.Programs.Flags.Format(Ttl)})";
        }

        if (Resync < TimeSpan.FromSeconds(1))
        {
            yield return $"--resync is {Catalog.Programs.Flags.Format(Resync)}; it must be at least 1s, or 0 for the default";
        }

        if (Host is not null && !HostIdentity.IsName(Host))
        {
            yield return $"--host is \"{Host}\"; it must be {HostIdentity.Names}";
        }
    }
}
