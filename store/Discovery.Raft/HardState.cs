namespace Discovery.Raft;

/// <summary>
/// What a member must never forget: a vote or a term lost in a crash elects two leaders (Raft §5.2). The commit index
/// may be old; it only saves work after a restart.
/// </summary>
/// <param name="Term">The latest term seen.</param>
/// <param name="VotedFor">Who got the vote of that term.</param>
/// <param name="Commit">An index known to be committed.</param>
/// <param name="IsRecovering">
/// The member's disk lost entries that it may have acknowledged. It gives no vote and is counted in no majority until a
/// leader of a later term, which counts nothing that this member once said, has brought it up to date.
/// </param>
public readonly record struct HardState(ulong Term, NodeId? VotedFor, ulong Commit, bool IsRecovering = false);
