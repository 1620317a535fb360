namespace Discovery.Store;

/// <summary>
/// The member was removed from its cluster, or is refused because it forgot what it was; its process ends, and its data is
/// of no use to it any more.
/// </summary>
public sealed class MemberExpelledException(ulong member, string what)
    : Exception($"{what}; to make it a member again: etcdctl member remove {member:x} (unless it was removed), delete its data directory, etcdctl member add, and start it with --initial-cluster-state existing");
