namespace Discovery.Raft;

/// <summary>
/// What a member must never forget: a vote or a term lost in a crash elects two leaders (Raft §5.2). The commit index
/// may be old; it only saves work after a restart.
/// </summary>
public readonly record struct HardState(ulong Term, NodeId? VotedFor, ulong Commit);
