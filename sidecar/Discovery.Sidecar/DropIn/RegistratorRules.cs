using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Discovery.Catalog;
using Discovery.Sidecar.Docker;
using Discovery.Sidecar.Mirrors;

namespace Discovery.Sidecar.DropIn;

/// <summary>What registrator would make of a container.</summary>
/// <param name="Services">What is to be registered.</param>
/// <param name="Ignored">What is not, and why, a line each; for <c>why</c>.</param>
internal sealed record RegistratorVerdict(ImmutableArray<MirroredService> Services, ImmutableArray<string> Ignored);

/// <summary>
/// registrator's rules for names, ids, addresses and tags, to the letter, since readers of its keys depend on them. Where it is
/// wrong the remarks say so, and sidecar/DESIGN.md lists it. Pure.
/// </summary>
internal static class RegistratorRules
{
    /// <summary>registrator takes an exit by a signal for a success (128 and the signal's number).</summary>
    private const int SignalBit = 128;

    /// <summary>Judges a container.</summary>
    /// <param name="container">As inspected.</param>
    /// <param name="options">The flags.</param>
    /// <param name="other">
    /// The container whose network this one lives in (<c>--network container:x</c>), by what its network mode names; null when it is not known.
    /// </param>
    public static RegistratorVerdict Judge(Container container, RegistratorOptions options, Func<string, Container?> other)
    {
        bool isRunning = container.State?.Status is "running" or "paused";
        bool isLapsing = !isRunning && options.DeregisterOnSuccessOnly && container.State is { ExitCode: { } code } && !IsSuccess(code);
        if (!isRunning && !isLapsing)
        {
            return new([], [$"it is {container.State?.Status ?? "gone"}"]);
        }

        var ignored = ImmutableArray.CreateBuilder<string>();
        SortedDictionary<string, PortBinding> ports = Ports(container);
        if (ports.Count == 0)
        {
            ignored.Add("no published ports");
        }

        foreach (string unpublished in ports.Where(port => !options.Internal && port.Value.HostPort is null or "").Select(static port => port.Key).ToArray())
        {
            ports.Remove(unpublished);
            ignored.Add($"port {unpublished} is not published on the host (-internal registers it)");
        }

        var services = ImmutableArray.CreateBuilder<MirroredService>();
        foreach ((string key, PortBinding binding) in ports)
        {
            (string number, string protocol) = Split(key);
            var metadata = RegistratorMetadata.Of(container, number);
            if (metadata.Get("ignore").Length > 0)
            {
                ignored.Add($"port {key}: SERVICE_IGNORE or SERVICE_{number}_IGNORE is \"{metadata.Get("ignore")}\"; anything but nothing ignores, as in registrator");
                continue;
            }

            if (metadata.Get("name").Length == 0 && options.Explicit)
            {
                ignored.Add($"port {key}: -explicit is set, and neither SERVICE_NAME nor SERVICE_{number}_NAME is");
                continue;
            }

            if (Address(container, binding, options, other) is not { } address)
            {
                ignored.Add($"port {key}: it has no address yet");
                continue;
            }

            services.Add(new MirroredService
            {
                Id = Id(container, options, metadata, number, protocol),
                Name = Name(container, metadata, number, isGroup: ports.Count > 1),
                Ip = address,
                Port = PortOf(options.Internal ? number : binding.HostPort!),
                ContainerPort = PortOf(number),
                ContainerId = container.Id,
                ContainerHostname = container.Config?.Hostname ?? "",
                Tags = RegistratorMetadata.Tags(metadata.Get("tags"), options.ForcedTags(container), protocol == "udp" ? "udp" : "").ToEquatableArray(),
                Attrs = EquatableMap.From(metadata.Attrs),
                IsLapsing = isLapsing,
            });
        }

        return new(services.ToImmutable(), ignored.ToImmutable());
    }

    /// <summary>
    /// What is exposed counts as published at the same number (as it is in host networking), unless the engine says otherwise. Of several
    /// bindings the first counts.
    /// </summary>
    private static SortedDictionary<string, PortBinding> Ports(Container container)
    {
        var ports = new SortedDictionary<string, PortBinding>(StringComparer.Ordinal);
        foreach (string exposed in container.Config?.ExposedPorts?.Keys ?? Enumerable.Empty<string>())
        {
            ports[exposed] = new PortBinding { HostIp = "0.0.0.0", HostPort = Split(exposed).Number };
        }

        foreach ((string key, PortBinding[]? bindings) in container.NetworkSettings?.Ports ?? [])
        {
            ports[key] = bindings is [var first, ..] ? first : new PortBinding();
        }

        return ports;
    }

    private static (string Number, string Protocol) Split(string key) =>
        key.Split('/', 2) is [var number, var protocol] ? (number, protocol) : (key, "tcp");

    private static int PortOf(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) ? port : 0;

    private static bool IsSuccess(int exitCode) => exitCode == 0 || (exitCode & SignalBit) != 0;

    private static string Name(Container container, RegistratorMetadata metadata, string port, bool isGroup)
    {
        string image = container.Config?.Image ?? "";
        string name = metadata.Get("name") is { Length: > 0 } given ? given : image[(image.LastIndexOf('/') + 1)..].Split(':')[0];
        return isGroup && !metadata.IsOfPort("name") ? $"{name}-{port}" : name;
    }

    private static string Id(Container container, RegistratorOptions options, RegistratorMetadata metadata, string port, string protocol) =>
        metadata.Get("id") is { Length: > 0 } given
            ? given
            : $"{options.Hostname}:{container.Name?.TrimStart('/')}:{port}{(protocol == "udp" ? ":udp" : "")}";

    /// <summary>
    /// Where it answers, by the last of these that applies: the binding, <c>-ip</c>, <c>-internal</c>, <c>-useIpFromLabel</c>, the container whose network it lives in.
    /// </summary>
    /// <remarks>
    /// Not copied: on a network with a name registrator gives the container's address there with the host's port, where nothing listens
    /// (its issues 337, 406); with <c>-internal</c> and several networks it takes any of them; since Docker 29 the address at the
    /// top is gone, and it gives an empty one.
    /// </remarks>
    private static string? Address(Container container, PortBinding binding, RegistratorOptions options, Func<string, Container?> other)
    {
        string mode = container.HostConfig?.NetworkMode ?? "";
        if (mode.StartsWith("container:", StringComparison.Ordinal))
        {
            return other(mode["container:".Length..]) is { } owner ? OwnAddress(owner) : null;
        }

        if (options.UseIpFromLabel.Length > 0
            && container.Config?.Labels?.GetValueOrDefault(options.UseIpFromLabel) is { Length: > 0 } label)
        {
            int slash = label.LastIndexOf('/');
            return slash < 0 ? label : label[..slash];
        }

        if (options.Internal)
        {
            return mode == "host" ? options.Ip.Length > 0 ? options.Ip : options.HostAddress : OwnAddress(container);
        }

        return options.Ip.Length > 0 ? options.Ip
            : IPAddress.TryParse(binding.HostIp, out IPAddress? bound) && !bound.Equals(IPAddress.Any) && !bound.Equals(IPAddress.IPv6Any) ? bound.ToString()
            : options.HostAddress;
    }

    /// <summary>On the network that its mode names, else on the first by name.</summary>
    private static string? OwnAddress(Container container)
    {
        string mode = container.HostConfig?.NetworkMode is { } named and not "default" ? named : "bridge";
        return (container.NetworkSettings?.Networks ?? [])
            .OrderByDescending(network => network.Key == mode)
            .ThenBy(static network => network.Key, StringComparer.Ordinal)
            .SelectMany(static network => (string?[])[network.Value?.IPAddress, network.Value?.GlobalIPv6Address])
            .FirstOrDefault(static address => !string.IsNullOrEmpty(address));
    }
}
