namespace Discovery.Sidecar.Mirrors;

/// <summary>Every bound of a mirror, with its unit and what happens when it is reached.</summary>
internal static class MirrorLimits
{
    /// <summary>How long one call to a backend may take; then it counts as away and the call's outcome as unknown.</summary>
    public static readonly TimeSpan Call = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long one call to several etcd members may take: the client passes over one that hangs after <see cref="Call"/>, and
    /// must not be stopped before it does.
    /// </summary>
    public static readonly TimeSpan ClusterCall = TimeSpan.FromSeconds(12);

    /// <summary>How long connecting may take.</summary>
    public static readonly TimeSpan Connect = TimeSpan.FromSeconds(3);

    /// <summary>First wait after the backend went away; doubled up to <see cref="RetryMax"/>, each shortened by up to a half at random.</summary>
    public static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait between tries.</summary>
    public static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(3);

    /// <summary>Wait before what the backend refused is offered again: it is the entry that is wrong, and rarely heals.</summary>
    public static readonly TimeSpan RefusedRetry = TimeSpan.FromSeconds(10);

    /// <summary>Pooled connections live no longer, so that a backend's new address is found.</summary>
    public static readonly TimeSpan ConnectionLife = TimeSpan.FromMinutes(2);

    /// <summary>What a backend may take on the way out.</summary>
    public static readonly TimeSpan Farewell = TimeSpan.FromSeconds(3);

    /// <summary>ZooKeeper's session timeout, registrator's: its nodes outlive this process by so much.</summary>
    public static readonly TimeSpan ZookeeperSession = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of one answer; a longer one is an error, since nothing of ours is so large.</summary>
    public const int Answer = 64 * 1024 * 1024;

    /// <summary>Bytes of one ZooKeeper packet: its own limit is 1 MiB (jute.maxbuffer).</summary>
    public const int ZookeeperPacket = 4 * 1024 * 1024;

    /// <summary>Keys of one etcd v3 range; more are read page by page.</summary>
    public const int Page = 1000;

    /// <summary>Characters of a backend's own words in an error.</summary>
    public const int ErrorText = 200;
}
