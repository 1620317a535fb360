using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Discovery.Store.Keyspace;

/// <summary>
/// Ids as etcd makes them (etcd: membership.NewMember, RaftCluster.genID), so that members that are given the same flags
/// compute the same ids without asking each other, and an operator sees the ids that he knows.
/// </summary>
public static class MemberIds
{
    /// <summary>A member of a cluster that is formed.</summary>
    /// <param name="peerUrls">Its advertised peer URLs, in any order.</param>
    /// <param name="token">The cluster's token (<c>--initial-cluster-token</c>).</param>
    public static ulong OfMember(IEnumerable<string> peerUrls, string token) => Hash(Joined(peerUrls) + token);

    /// <summary>
    /// A member that is added to a running cluster. etcd hashes the second instead of a token; where that id is in use,
    /// or was, which it would be when a member is removed and added within a second, the next free second counts.
    /// </summary>
    /// <param name="peerUrls">Its peer URLs, in any order.</param>
    /// <param name="unixSeconds">Now, by the clock of who takes the request.</param>
    /// <param name="isTaken">Whether an id must not be given (<see cref="MemberTable.IsTaken"/>).</param>
    public static ulong OfAdded(IEnumerable<string> peerUrls, long unixSeconds, Func<ulong, bool> isTaken)
    {
        string urls = Joined(peerUrls);
        ulong id;
        do
        {
            id = Hash(urls + unixSeconds++.ToString(CultureInfo.InvariantCulture));
        }
        while (isTaken(id));

        return id;
    }

    /// <summary>The cluster that these members form, in any order.</summary>
    public static ulong OfCluster(IEnumerable<ulong> members)
    {
        ulong[] sorted = [.. members.Order()];
        byte[] bytes = new byte[sorted.Length * sizeof(ulong)];
        for (int i = 0; i < sorted.Length; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(i * sizeof(ulong)), sorted[i]);
        }

        return Hash(bytes);
    }

    private static string Joined(IEnumerable<string> urls) => string.Concat(urls.Order(StringComparer.Ordinal));

    private static ulong Hash(string text) => Hash(Encoding.UTF8.GetBytes(text));

    /// <summary>Never 0, which means nobody.</summary>
    [SuppressMessage("Security", "CA5350", Justification = "etcd's formula; nothing is kept secret or proven by it.")]
    private static ulong Hash(byte[] bytes) => Math.Max(1, BinaryPrimitives.ReadUInt64BigEndian(SHA1.HashData(bytes)));
}
