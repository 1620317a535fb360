using System.Buffers.Binary;
using System.Numerics;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>
/// A sum over what can be read up to a revision: members that have applied the same, and compacted to the same, have the
/// same. It tells members that differ; it is not etcd's number, which depends on etcd's file format.
/// </summary>
internal static class KeyspaceHash
{
    private static readonly KeyRange Everything = new(ByteString.CopyFrom(0), ByteString.CopyFrom(0));

    /// <summary>CRC-32C of every pair as of the oldest readable revision, and of each change since, up to the revision.</summary>
    public static uint Of(KeyspaceView view, long revision)
    {
        uint crc = uint.MaxValue;
        KeyTreeCursor cursor = view.Tree.Seek(Everything);
        while (cursor.MoveNext())
        {
            // Whether a deletion's memory is freed yet depends on the member, so deletions do not count.
            if (cursor.Current.At(view.CompactedRevision) is { Version: > 0 } kept)
            {
                crc = Add(crc, kept);
            }
        }

        foreach (RevisionEvents events in view.EventsFrom(view.CompactedRevision + 1))
        {
            if (events.Revision > revision)
            {
                break;
            }

            foreach (AppliedEvent applied in events.Events)
            {
                crc = Add(crc, applied.Kv);
            }
        }

        return ~crc;
    }

    private static uint Add(uint crc, KeyValue kv)
    {
        crc = Add(crc, kv.Key.Span);
        crc = Add(crc, kv.Value.Span);
        crc = BitOperations.Crc32C(crc, (ulong)kv.CreateRevision);
        crc = BitOperations.Crc32C(crc, (ulong)kv.ModRevision);
        crc = BitOperations.Crc32C(crc, (ulong)kv.Version);
        return BitOperations.Crc32C(crc, (ulong)kv.Lease);
    }

    /// <summary>The length goes first, so that a key and a value cannot trade their bytes.</summary>
    private static uint Add(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = BitOperations.Crc32C(crc, (ulong)bytes.Length);
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (byte one in bytes)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        return crc;
    }
}
