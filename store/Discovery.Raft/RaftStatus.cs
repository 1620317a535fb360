namespace Discovery.Raft;

/// <summary>What a node is now.</summary>
public enum RaftRole
{
    /// <summary>Follows a leader, or waits for one.</summary>
    Follower,

    /// <summary>Stands for election.</summary>
    Candidate,

    /// <summary>Orders the log.</summary>
    Leader,
}

/// <summary>Where a node stands.</summary>
public readonly record struct RaftStatus(
    NodeId Id, RaftRole Role, NodeId? Leader, HardState HardState, EntryId Last, ulong Persisted, ulong Applied);
