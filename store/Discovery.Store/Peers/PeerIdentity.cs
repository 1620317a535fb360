using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Discovery.Raft;

namespace Discovery.Store.Peers;

/// <summary>Who this member says it is.</summary>
/// <param name="ClusterId">Its cluster; 0 while it is in none, which is when it may be adopted.</param>
/// <param name="Member">Its id.</param>
/// <param name="PeerUrls">Where others dial it: <c>--initial-advertise-peer-urls</c>.</param>
/// <param name="TokenHash">Of <c>--initial-cluster-token</c>, by <see cref="HashToken"/>.</param>
internal sealed record PeerIdentity(ulong ClusterId, NodeId Member, ImmutableArray<string> PeerUrls, ulong TokenHash)
{
    /// <summary>The newest things that this program can apply; a cluster uses what the least of its members can.</summary>
    public uint FeatureLevel { get; init; } = 1;

    /// <summary>The first 8 bytes of SHA-256: enough to tell a wrong token; it is no secret.</summary>
    public static ulong HashToken(string token) =>
        System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
