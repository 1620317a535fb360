using Discovery.Testing;

namespace Discovery.Cluster.Tests.Setup;

/// <summary>What the environment makes of these tests.</summary>
public static class TestRun
{
    /// <summary>The engine under test: ours, or with <c>DISCOVERY_CLUSTER_ENGINE=etcd</c> Debian's etcd, as the proof that the tests expect what etcd does.</summary>
    public static StoreEngine Engine { get; } = Environment.GetEnvironmentVariable("DISCOVERY_CLUSTER_ENGINE") switch
    {
        null or "" or "bundled" => StoreEngine.Bundled,
        "etcd" => StoreEngine.Etcd,
        string other => throw new InvalidOperationException($"DISCOVERY_CLUSTER_ENGINE is \"{other}\"; it must be bundled or etcd"),
    };

    /// <summary>With <c>DISCOVERY_LONG=1</c> faults last longer and come more often: an hour instead of a minute.</summary>
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("DISCOVERY_LONG") == "1";

    /// <summary>The one or the other.</summary>
    public static T Choose<T>(T inCi, T inLong) => IsLong ? inLong : inCi;
}
