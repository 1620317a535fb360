namespace Discovery.Proxy;

/// <summary>Every bound of the proxy, with its unit and its reason.</summary>
internal static class Limits
{
    /// <summary>Destinations that one request is tried on: the first, and two more when nothing could be sent.</summary>
    public const int Attempts = 3;

    /// <summary>How long a connect to an instance may take; instances are one switch away, not one ocean.</summary>
    public static readonly TimeSpan Connect = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long nothing may flow in either direction before a request or an upgraded connection is ended. Above the
    /// pauses of long polls and server-sent events.
    /// </summary>
    public static readonly TimeSpan Idle = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long an idle connection to an instance is kept. Below the 5 s after which common servers close theirs: a
    /// request sent into a closing connection fails, and one with a body cannot be repeated.
    /// </summary>
    public static readonly TimeSpan IdleConnection = TimeSpan.FromSeconds(4);

    /// <summary>How long an instance is avoided after a failed connect; doubles with each further one.</summary>
    public static readonly TimeSpan AvoidFirst = TimeSpan.FromSeconds(1);

    /// <summary>Where that doubling ends: an instance that is back waits no longer for its first request.</summary>
    public static readonly TimeSpan AvoidMax = TimeSpan.FromSeconds(30);

    /// <summary>How long requests wait for the first read of the catalog after a start; then they get 503.</summary>
    public static readonly TimeSpan FirstTable = TimeSpan.FromSeconds(2);

    /// <summary>Changes of the catalog that come within this time of the last are applied together.</summary>
    public static readonly TimeSpan Coalesce = TimeSpan.FromMilliseconds(25);

    /// <summary>The proxy's own record is written at most this often, but for what a drain waits for.</summary>
    public static readonly TimeSpan Announce = TimeSpan.FromSeconds(10);

    /// <summary>How often requests in flight are looked at while an instance is draining.</summary>
    public static readonly TimeSpan DrainBeat = TimeSpan.FromMilliseconds(100);

    /// <summary>How long the proxy's record outlives it.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    /// <summary>How long requests in flight get to finish when the proxy is stopped.</summary>
    public static readonly TimeSpan Stop = TimeSpan.FromSeconds(10);

    /// <summary>How long the store gets to take the lease back when the proxy is stopped.</summary>
    public static readonly TimeSpan Revoke = TimeSpan.FromSeconds(2);

    /// <summary>Client connections at a time; further ones are closed at once. Two descriptors each.</summary>
    public const int Connections = 20_000;

    /// <summary>Hosts and paths that one service may claim; further ones are quarantined.</summary>
    public const int RoutesPerService = 100;

    /// <summary>Characters of a route's path.</summary>
    public const int PathLength = 1024;

    /// <summary>Characters of a host name (RFC 1035).</summary>
    public const int HostLength = 253;

    /// <summary>Instances or paths that one error text lists; the rest is counted.</summary>
    public const int Listed = 20;

    /// <summary>Problems that the proxy's record in the store carries; all of them are at <c>/routes</c>.</summary>
    public const int AnnouncedProblems = 50;
}
