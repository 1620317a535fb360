namespace Discovery.Store;

/// <summary>
/// The member was removed from its cluster, or is refused because it forgot what it was; its process ends, and its data is
/// of no use to it any more.
/// </summary>
public sealed class MemberExpelledException(string what, string next)
    : Exception($"{what}; {next}, delete its data directory, add it (etcdctl member add) and start it with --initial-cluster-state existing")
{
    /// <summary>It was removed.</summary>
    public static MemberExpelledException Removed(string what) => new($"this member was removed: {what}", "to make it a member again");

    /// <summary>It ran before, and its data is gone.</summary>
    public static MemberExpelledException Forgetful(ulong member, string what) =>
        new($"this member is refused: {what}", $"to make it a member again, remove it (etcdctl member remove {member:x})");
}
