using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar;

/// <summary>Which host this is, and where its published ports answer.</summary>
internal sealed partial record HostIdentity
{
    /// <summary>What a host may be called, in words for messages.</summary>
    public const string Names = "1 to 253 of a-z A-Z 0-9 . _ -";

    /// <summary><c>--host</c>, else what the engine calls it; never a container's host name.</summary>
    public required string Name { get; init; }

    /// <summary>Where ports that are published on all addresses answer.</summary>
    public required string Address { get; init; }

    /// <summary>What the operator should know about that address; null when all is well.</summary>
    public string? Warning { get; init; }

    /// <summary>Whether this process has a network of its own: its 127.0.0.1 is not the host's.</summary>
    public bool IsBridged { get; init; }

    /// <summary>Tells two hosts of one name apart.</summary>
    public string EngineId { get; init; } = "";

    /// <summary>The engine's version.</summary>
    public string EngineVersion { get; init; } = "";

    /// <summary>Whether this may name a host: it is a part of keys and ids.</summary>
    public static bool IsName(string name) => HostName().IsMatch(name);

    /// <summary>The identity, from what the engine and the operator say.</summary>
    /// <param name="options">The operator's word.</param>
    /// <param name="engine">The engine's word.</param>
    /// <param name="network">What this process sees of the host's network.</param>
    /// <exception cref="DockerUnavailableException">The engine has no usable name.</exception>
    public static HostIdentity From(SidecarOptions options, EngineInfo engine, HostNetwork network)
    {
        string name = options.Host ?? engine.Name ?? "";
        if (!IsName(name))
        {
            throw new DockerUnavailableException($"the engine calls its host \"{name}\"; a host's name must be {Names}; give it one with --host");
        }

        (string address, string? warning) = network.Address(options.Ip, engine.Swarm?.NodeAddr);
        return new()
        {
            Name = name,
            Address = address,
            Warning = warning,
            IsBridged = network.IsBridged,
            EngineId = engine.Id ?? "",
            EngineVersion = engine.ServerVersion ?? "",
        };
    }

    /// <summary>The host's own record.</summary>
    public HostRecord ToRecord(
        IReadOnlyCollection<Registration.ContainerVerdict> verdicts, string sidecarVersion, DateTimeOffset started, DateTimeOffset reconciled) => new()
        {
            Name = Name,
            Address = Address,
            EngineId = EngineId,
            EngineVersion = EngineVersion,
            SidecarVersion = sidecarVersion,
            Started = started,
            Containers = verdicts.Count,
            Instances = verdicts.Sum(static v => v.Instances.Count),
            LastReconcile = reconciled,
            Warnings = Warnings(verdicts).Take(Limits.Warnings).ToEquatableArray(),
            Refused = verdicts
                .Where(static v => v.Refused is not null)
                .OrderBy(static v => v.Name, StringComparer.Ordinal)
                .Take(Limits.Refused)
                .Select(static v => new RefusedContainer(v.Id, v.Name, v.Refused!))
                .ToEquatableArray(),
        };

    private IEnumerable<string> Warnings(IEnumerable<Registration.ContainerVerdict> verdicts) =>
        (Warning is null ? ImmutableArray<string>.Empty : [Warning])
        .Concat(verdicts
            .OrderBy(static v => v.Name, StringComparer.Ordinal)
            .SelectMany(static v => v.Warnings.Select(w => $"{v.Name}: {w}")));

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,252}\z")]
    private static partial Regex HostName();
}
