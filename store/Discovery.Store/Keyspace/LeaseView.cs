using System.Collections.Immutable;
using Discovery.EtcdApi;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>A lease as the log knows it: when it ends is the leader's business alone.</summary>
/// <param name="Id">The lease's id, above zero unless a client chose otherwise; never 0.</param>
/// <param name="GrantedTtl">Seconds.</param>
/// <param name="Keys">The keys that end with it, in byte order.</param>
public sealed record LeaseView(long Id, long GrantedTtl, ImmutableSortedSet<ByteString> Keys)
{
    /// <summary>
    /// Seconds that were left when the leader last wrote it down; 0 when it never did, or the lease was renewed since
    /// (etcd: remainingTTL).
    /// </summary>
    public long RemainingTtl { get; init; }

    /// <summary>
    /// Seconds that a new leader gives the lease: without what was written down, every change of leaders would give it
    /// its full time again.
    /// </summary>
    public long TtlForNewLeader => RemainingTtl > 0 ? Math.Min(RemainingTtl, GrantedTtl) : GrantedTtl;

    internal static readonly ImmutableSortedSet<ByteString> NoKeys =
        ImmutableSortedSet.Create<ByteString>(Comparer<ByteString>.Create(KeyRange.Compare));
}
