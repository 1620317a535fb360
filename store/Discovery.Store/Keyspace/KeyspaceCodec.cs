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
    /// <summary>
    /// Version of what is written now. Version 1 had no members and no remaining times of leases: it is from a store of
    /// one member. Version 2 had no feature levels. Both are still read.
    /// </summary>
    public const int Version = 3;

    private static readonly KeyRange Everything = new(ByteString.CopyFrom(0), ByteString.CopyFrom(0));

    public static void Write(KeyspaceView view, BinaryWriter to)
    {
        to.Write(Version);
#if MUTANTS
        bool isGone = StoreMutant.RevisionDecreases.IsPlanted() && view.CompactedRevision == view.Revision
            && view.EventsFrom(view.Revision).SelectMany(static revision => revision.Events).All(static one => one.IsDelete);
        to.Write(isGone ? view.Revision - 1 : view.Revision);
#else
        to.Write(view.Revision);
#endif
        to.Write(view.CompactedRevision);
        to.Write(view.AppliedIndex);
        to.Write(view.Leases.Count);
        foreach (LeaseView lease in view.Leases.Values.OrderBy(static lease => lease.Id))
        {
            to.Write(lease.Id);
            to.Write(lease.GrantedTtl);
            to.Write(lease.RemainingTtl);
        }

        Write(view.Members, to);

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
        if (version is < 1 or > Version)
        {
            throw new StoreDataException($"the snapshot's keyspace has version {version}; this program reads 1 to {Version}: start the newer program that wrote it");
        }

        long revision = from.ReadInt64();
        long compacted = from.ReadInt64();
        ulong applied = from.ReadUInt64();
        var leases = ImmutableDictionary.CreateBuilder<long, LeaseView>();
        for (int count = from.ReadInt32(); count > 0; count--)
        {
            long id = from.ReadInt64();
            long granted = from.ReadInt64();
            leases.Add(id, new LeaseView(id, granted, LeaseView.NoKeys) { RemainingTtl = version > 1 ? from.ReadInt64() : 0 });
        }

        MemberTable members = version > 1 ? ReadMembers(from, hasLevels: version > 2) : MemberTable.Empty;
        var state = new KeyspaceState(compacted, applied, leases.ToImmutable(), members);
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

    private static void Write(MemberTable members, BinaryWriter to)
    {
        to.Write(members.Configuration.Length);
        to.Write(members.Configuration.Span);
        to.Write(members.Removed.Count);
        foreach (ulong id in members.Removed)
        {
            to.Write(id);
        }

        to.Write(members.ById.Count);
        foreach (MemberRecord member in members.ById.Values)
        {
            to.Write(member.IsPending);
            to.Write(member.FeatureLevel);
            Write(member.ToMessage(), to);
        }

        to.Write(members.FeatureLevel);
    }

    private static MemberTable ReadMembers(BinaryReader from, bool hasLevels)
    {
        byte[] configuration = from.ReadBytes(from.ReadInt32());
        var removed = ImmutableSortedSet.CreateBuilder<ulong>();
        for (int count = from.ReadInt32(); count > 0; count--)
        {
            _ = removed.Add(from.ReadUInt64());
        }

        var members = ImmutableSortedDictionary.CreateBuilder<ulong, MemberRecord>();
        for (int count = from.ReadInt32(); count > 0; count--)
        {
            bool isPending = from.ReadBoolean();
            uint level = hasLevels ? from.ReadUInt32() : FeatureLevels.Base;
            var member = MemberRecord.From(Read(from, Member.Parser), isPending);
            members.Add(member.Id, member with { FeatureLevel = level });
        }

        return new MemberTable
        {
            Configuration = configuration,
            Removed = removed.ToImmutable(),
            ById = members.ToImmutable(),
            FeatureLevel = hasLevels ? from.ReadUInt32() : FeatureLevels.Base,
        };
    }

    private static void Write(IMessage message, BinaryWriter to)
    {
        int size = message.CalculateSize();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        message.WriteTo(buffer.AsSpan(0, size));
        to.Write(size);
        to.Write(buffer, 0, size);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static KeyValue ReadKeyValue(BinaryReader from) => Read(from, KeyValue.Parser);

    private static T Read<T>(BinaryReader from, MessageParser<T> parser)
        where T : IMessage<T>
    {
        int size = from.ReadInt32();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(size);
        from.BaseStream.ReadExactly(buffer, 0, size);
        T message = parser.ParseFrom(buffer, 0, size);
        ArrayPool<byte>.Shared.Return(buffer);
        return message;
    }
}
