using System.Security.Cryptography;
using System.Text;
using Discovery.EtcdApi;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Simulator.Checks;

/// <summary>What members that have applied the same entries must have in common.</summary>
internal static class StateHash
{
    private static readonly KeyRange AllKeys = new(ByteString.CopyFrom(0), ByteString.CopyFrom(0));

    /// <summary>What is readable now: revisions, live pairs, leases with their keys, members. Costs the live pairs.</summary>
    public static UInt128 Live(KeyspaceView view)
    {
        var hash = default(Fingerprint);
        hash.Add((ulong)view.Revision);
        hash.Add((ulong)view.CompactedRevision);
        hash.Add(view.AppliedIndex);
        hash.Add((ulong)view.LiveBytes);
        KeyTreeCursor cursor = view.Tree.Seek(AllKeys);
        while (cursor.MoveNext())
        {
            if (cursor.Current.IsLive)
            {
                hash.Add(cursor.Current.Latest);
            }
        }

        foreach (LeaseView lease in view.Leases.Values.OrderBy(static lease => lease.Id))
        {
            hash.Add((ulong)lease.Id);
            hash.Add((ulong)lease.GrantedTtl);
            hash.Add((ulong)lease.RemainingTtl);
            foreach (ByteString key in lease.Keys)
            {
                hash.Add(key.Span);
            }
        }

        hash.Add(view.Members.Configuration.Span);
        foreach (MemberRecord member in view.Members.ById.Values)
        {
            hash.Add(member.IsPending ? 1u : 0u);
            hash.Add(member.ToMessage().ToByteArray());
        }

        foreach (ulong id in view.Members.Removed)
        {
            hash.Add(id);
        }

        return hash.Value;
    }

    /// <summary>
    /// All that a snapshot would hold, so the history too, by the snapshot's own bytes: whatever is added to them is in
    /// here. Costs the kept history.
    /// </summary>
    public static UInt128 Whole(KeyspaceView view)
    {
        using var sha = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write))
        using (var writer = new BinaryWriter(new BufferedStream(stream, 64 * 1024), Encoding.UTF8))
        {
            KeyspaceCodec.Write(view, writer);
        }

        return BitConverter.ToUInt128(sha.Hash);
    }
}
