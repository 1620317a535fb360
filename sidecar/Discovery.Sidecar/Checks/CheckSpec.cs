using System.Globalization;
using Discovery.Catalog;

namespace Discovery.Sidecar.Checks;

/// <summary>How a check is made.</summary>
internal enum CheckType
{
    /// <summary>An HTTP/1.1 request in cleartext.</summary>
    Http,

    /// <summary>An HTTP/1.1 request over TLS.</summary>
    Https,

    /// <summary>A TCP connection is accepted.</summary>
    Tcp,

    /// <summary><c>grpc.health.v1.Health/Check</c> says SERVING.</summary>
    Grpc,

    /// <summary>Somebody says by the local API, again and again, that all is well.</summary>
    Ttl,

    /// <summary>A command run in the container.</summary>
    Exec,
}

/// <summary>Where a check asks: always the container's own address, and which rule chose it.</summary>
/// <param name="Address">IPv4 or IPv6 address, never a name.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Rule">For <c>why</c>, such as "address of the container in network shop_default".</param>
internal sealed record CheckTarget(string Address, int Port, string Rule)
{
    /// <summary><c>address:port</c>, IPv6 in brackets.</summary>
    public string Endpoint => string.Create(
        CultureInfo.InvariantCulture,
        $"{(Address.Contains(':', StringComparison.Ordinal) ? $"[{Address}]" : Address)}:{Port}");

    /// <inheritdoc/>
    public override string ToString() => Endpoint;
}

/// <summary>One check that a container asks for, with everything that was said or left to defaults. Equal specs are the same check.</summary>
internal sealed record CheckSpec
{
    /// <summary>Unique among the checks of one container; "docker" is the HEALTHCHECK's.</summary>
    public required string Name { get; init; }

    /// <summary>How it is made.</summary>
    public required CheckType Type { get; init; }

    /// <summary>The container's port whose instance alone it concerns; null when it concerns every instance of the container.</summary>
    public int? Port { get; init; }

    /// <summary>Where it asks; null for <see cref="CheckType.Ttl"/> and <see cref="CheckType.Exec"/>.</summary>
    public CheckTarget? Target { get; init; }

    /// <summary>Path and query of an HTTP request; the service's name for gRPC, empty for the server as a whole.</summary>
    public string Path { get; init; } = "";

    /// <summary>HTTP's method.</summary>
    public string Method { get; init; } = "GET";

    /// <summary>Whether gRPC is spoken over TLS.</summary>
    public bool IsTls { get; init; }

    /// <summary>The name that the server's certificate must prove by a trusted issuer; null: no certificate is verified.</summary>
    public string? TlsName { get; init; }

    /// <summary>Program and arguments of <see cref="CheckType.Exec"/>.</summary>
    public EquatableArray<string> Command { get; init; } = [];

    /// <summary>Whether a command that ends with 1 complains only, as Consul has it; else all but 0 is a failure, as Docker has it.</summary>
    public bool OneWarns { get; init; }

    /// <summary>Time from one run's start to the next.</summary>
    public TimeSpan Interval { get; init; } = CheckLimits.Interval;

    /// <summary>What one run may take.</summary>
    public TimeSpan Timeout { get; init; } = CheckLimits.Timeout;

    /// <summary>How long a word of <see cref="CheckType.Ttl"/> holds.</summary>
    public TimeSpan Ttl { get; init; }

    /// <summary>Successes in a row that end "starting" or "critical". 1 to 100.</summary>
    public int HealthyThreshold { get; init; } = 1;

    /// <summary>Failures in a row that make it critical. 1 to 100.</summary>
    public int UnhealthyThreshold { get; init; } = 1;

    /// <summary>What is said before the first result.</summary>
    public Health Initial { get; init; } = Health.Starting;

    /// <summary>How long it may be critical before the instance is deregistered; null: for ever.</summary>
    public TimeSpan? DeregisterAfter { get; init; }

    /// <summary>The label or variable that asked for it.</summary>
    public string Source { get; init; } = "";

    /// <summary>As the record names it.</summary>
    public string TypeName => Type switch
    {
        CheckType.Http => "http",
        CheckType.Https => "https",
        CheckType.Tcp => "tcp",
        CheckType.Grpc => "grpc",
        CheckType.Ttl => "ttl",
        _ => "exec",
    };

    /// <summary>The check as the record shows it before its first result.</summary>
    public InstanceCheck Before => new() { Name = Name, Type = TypeName, Status = Initial, Output = "not run yet" };
}

/// <summary>Which check of which container: what results, changes and questions are about.</summary>
/// <param name="ContainerId">Docker's full id.</param>
/// <param name="Name">The check's name.</param>
internal readonly record struct CheckKey(string ContainerId, string Name)
{
    /// <summary>The key of a container's check.</summary>
    public static CheckKey Of(string containerId, CheckSpec spec) => new(containerId, spec.Name);
}
