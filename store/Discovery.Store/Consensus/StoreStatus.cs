namespace Discovery.Store.Consensus;

/// <summary>Where a member stands; a snapshot that may be a batch old.</summary>
/// <param name="ClusterId">The same on every member of a cluster.</param>
/// <param name="MemberId">This member.</param>
/// <param name="Leader">The leader that this member knows; 0 when none.</param>
/// <param name="Term">Raft's term.</param>
/// <param name="CommitIndex">Index of the last committed entry.</param>
/// <param name="AppliedIndex">Index of the last applied entry.</param>
/// <param name="DataBytes">Bytes of the log and the snapshots on disk.</param>
public sealed record StoreStatus(
    ulong ClusterId, ulong MemberId, ulong Leader, ulong Term, ulong CommitIndex, ulong AppliedIndex, long DataBytes);
