namespace Discovery.Store;

/// <summary>The member was removed from its cluster; its process ends, and its data is of no use to it any more.</summary>
public sealed class MemberRemovedException(string what)
    : Exception($"{what}; to make it a member again, delete its data directory, add it (etcdctl member add) and start it with --initial-cluster-state existing");
