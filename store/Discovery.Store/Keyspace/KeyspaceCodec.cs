using System.Buffers;
using System.Collections.Immutable;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>
/// The whole keyspace as bytes: what stood at the oldest readable revision, then every change since. From that the
/// history, the event log and the leases' keys follow, so nothing is written twice.
/// </summary>
internal static class KeyspaceCodec
{
    /// <summary>Version of what is written now.</summary>
    public const int Version = 1;

    private static readonly KeyRange Everything = new(ByteString.CopyFrom(0), ByteString.CopyFrom(0));

    public static void Write(KeyspaceView view, BinaryWriter to)
    {
        to.Write(Version);
        to.Write(view.Revision);
        to.Write(view.CompactedRevision);
        to.Write(view.AppliedIndex);
        to.Write(view.Leases.Count);
        foreach (LeaseView lease in view.Leases.Values.OrderBy(static lease => lease.Id))
        {
            to.Write(lease.Id);
            to.Write(lease.GrantedTtl);
        }

        KeyTreeCursor cursor = view.Tree.Seek(Everything);
        while (cursor.MoveNext())
        {
            if (cursor.Current.At(view.CompactedRevision) is { } floor
                && (floor.Version != 0 || floor.ModRevision == view.CompactedRevision))
            {
                to.Write(true);
                Write(floor, to);
            }
        }

        to.Write(false);
        foreach (RevisionEvents events in view.EventsFrom(view.CompactedRevision))
        {
            to.Write(events.Events.Length);
            foreach (AppliedEvent applied in events.Events)
            {
                Write(applied.Kv, to);
            }
        }
    }

    /// <summary>Reads what <see cref="Write(KeyspaceView, BinaryWriter)"/> wrote.</summary>
    /// <exception cref="StoreDataException">It is newer than this program.</exception>
    public static KeyspaceState Read(BinaryReader from)
    {
        int version = from.ReadInt32();
        if (version != Version)
        {
            throw new StoreDataException($"the snapshot's keyspace has version {version}; this program reads {Version}: start the newer program that wrote it");
        }

        long revision = from.ReadInt64();
        long compacted = from.ReadInt64();
        ulong applied = from.ReadUInt64();
        var leases = ImmutableDictionary.CreateBuilder<long, LeaseView>();
        for (int count = from.ReadInt32(); count > 0; count--)
        {
            long id = from.ReadInt64();
            leases.Add(id, new LeaseView(id, from.ReadInt64(), LeaseView.NoKeys));
        }

        var state = new KeyspaceState(compacted, applied, leases.ToImmutable());
        while (from.ReadBoolean())
        {
            state.RestoreFloor(ReadKeyValue(from));
        }

        for (long at = state.Revision + 1; at <= revision; at++)
        {
            var changes = new KeyValue[from.ReadInt32()];
            for (int i = 0; i < changes.Length; i++)
            {
                changes[i] = ReadKeyValue(from);
            }

            state.RestoreRevision(changes);
        }

        return state;
    }

    private static void Write(KeyValue kv, BinaryWriter to)
    {
        int size = kv.CalculateSize();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        kv.WriteTo(buffer.AsSpan(0, size));
        to.Write(size);
        to.Write(buffer, 0, size);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static KeyValue ReadKeyValue(BinaryReader from)
    {
        int size = from.ReadInt32();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        from.BaseStream.ReadExactly(buffer, 0, size);
        KeyValue kv = KeyValue.Parser.ParseFrom(buffer, 0, size);
        ArrayPool<byte>.Shared.Return(buffer);
        return kv;
    }
}
