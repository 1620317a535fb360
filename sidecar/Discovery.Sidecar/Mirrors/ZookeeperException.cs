namespace Discovery.Sidecar.Mirrors;

/// <summary>The errors that are acted on (ZooKeeper: KeeperException.Code).</summary>
internal enum ZookeeperCode
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>The node, or its parent, is not there.</summary>
    NoNode = -101,

    /// <summary>The node is not of the version that was meant.</summary>
    BadVersion = -103,

    /// <summary>The node is there already.</summary>
    NodeExists = -110,

    /// <summary>The node has children.</summary>
    NotEmpty = -111,

    /// <summary>The session has ended.</summary>
    SessionExpired = -112,
}

/// <summary>ZooKeeper said no.</summary>
internal sealed class ZookeeperException(ZookeeperCode code, string message, bool isFinal = false) : Exception(message)
{
    /// <summary>What it said.</summary>
    public ZookeeperCode Code { get; } = code;

    /// <summary>Whether trying at once again is of no use.</summary>
    public bool IsFinal { get; } = isFinal;
}
