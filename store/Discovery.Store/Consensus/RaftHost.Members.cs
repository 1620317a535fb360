using Discovery.EtcdApi;

namespace Discovery.Store.Consensus;

public sealed partial class RaftHost
{
    /// <summary>
    /// Hands the lead to another member, and returns once this member follows it; null then, else why not. Only the
    /// leader can: any other answers <see cref="EtcdError.NotLeader"/>.
    /// </summary>
    public ValueTask<EtcdError?> MoveLeaderAsync(ulong target, CancellationToken cancellation) => throw new NotSupportedException();
}
