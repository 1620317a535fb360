using System.Collections.Frozen;
using System.Text.Json;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>
/// What is known of the inspect object's fields by their names. Docker leaves empty fields out or writes null; in registrator
/// they are then the zero of their type: an empty text, list or map, 0, false.
/// </summary>
internal static class InspectShape
{
    private static readonly FrozenSet<string> Maps = Names(
        "Annotations DriverOpts ExposedPorts Labels Networks Options PortBindings PortMapping Ports StorageOpt Sysctls Tmpfs Volumes VolumesRW");

    private static readonly FrozenSet<string> Lists = Names(
        "Aliases Args Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps BlkioDeviceWriteIOps BlkioWeightDevice CapAdd CapDrop"
        + " Cmd DeviceCgroupRules DeviceRequests Devices Dns DNSNames DnsOptions DnsSearch Entrypoint Env ExecIDs ExtraHosts GroupAdd Links Log"
        + " MaskedPaths Mounts OnBuild PortSpecs ReadonlyPaths SecondaryIPAddresses SecondaryIPv6Addresses SecurityOpt SecurityOpts Shell Test Ulimits VolumesFrom");

    private static readonly FrozenSet<string> Texts = Names(
        "AppArmorProfile Bridge Cgroup CgroupParent CgroupnsMode ContainerIDFile Cpuset CpusetCpus CpusetMems Domainname Driver EndpointID Error Gateway"
        + " GlobalIPv6Address Hostname HostnamePath HostsPath HostIp HostPort IPAddress IPv6Gateway Image IpcMode Isolation LinkLocalIPv6Address LogPath MacAddress"
        + " MountLabel Name NetworkID NetworkMode Output Path PidMode Platform ProcessLabel PublishService ResolvConfPath Runtime SandboxKey Status StopSignal"
        + " SysInitPath Type UTSMode User UsernsMode VolumeDriver WorkingDir");

    private static readonly FrozenSet<string> Numbers = Names(
        "BlkioWeight CpuCount CpuPercent CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime CpuShares ExitCode FailingStreak GlobalIPv6PrefixLen"
        + " IOMaximumBandwidth IOMaximumIOps IPPrefixLen KernelMemory LinkLocalIPv6PrefixLen Memory MemoryReservation MemorySwap NanoCpus OomScoreAdj Pid RestartCount"
        + " ShmSize SizeRootFs SizeRw StopTimeout MaximumRetryCount");

    private static readonly FrozenSet<string> Truths = Names(
        "ArgsEscaped AttachStderr AttachStdin AttachStdout AutoRemove Dead Init NetworkDisabled OOMKilled OpenStdin Paused Privileged PublishAllPorts ReadonlyRootfs"
        + " RemovalInProgress Restarting Running StdinOnce Tty");

    private static readonly FrozenSet<string> Parts = Names("Config GraphDriver Health Healthcheck HostConfig LogConfig NetworkSettings Node RestartPolicy State");

    // Kept for the program's life: every empty part is this one.
    private static readonly JsonElement Empty = JsonSerializer.SerializeToElement(new Dictionary<string, string>());

    /// <summary>Whether the keys of the object in this field are data, so that they are looked up as they are and may be missing.</summary>
    public static bool HoldsData(string? field) => field is not null && Maps.Contains(field);

    /// <summary>What the field is when Docker leaves it out; null for a field that nobody knows.</summary>
    public static TemplateValue? Zero(string? field) => field switch
    {
        null => null,
        _ when Maps.Contains(field) || Parts.Contains(field) => TemplateValue.Of(Empty, field),
        _ when Lists.Contains(field) => TemplateValue.Of(Array.Empty<TemplateValue>()),
        _ when Texts.Contains(field) => TemplateValue.Of(""),
        _ when Numbers.Contains(field) => TemplateValue.Of(0L),
        _ when Truths.Contains(field) => TemplateValue.Of(false),
        _ => null,
    };

    /// <summary>What a map holds under a key that it does not have, as Go's <c>index</c> says it: an empty network, binding or, mostly, text.</summary>
    public static TemplateValue ZeroElement(string? map) => map?.ToUpperInvariant() switch
    {
        "NETWORKS" or "EXPOSEDPORTS" or "PORTMAPPING" => TemplateValue.Of(Empty, null),
        "PORTS" or "PORTBINDINGS" => TemplateValue.Of(Array.Empty<TemplateValue>()),
        _ => TemplateValue.Of(""),
    };

    private static FrozenSet<string> Names(string names) => names.Split(' ').ToFrozenSet(StringComparer.OrdinalIgnoreCase);
}
