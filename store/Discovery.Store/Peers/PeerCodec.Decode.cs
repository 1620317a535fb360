using System.Diagnostics;
using System.Text;
using System.Text.Unicode;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.Raft;
using Discovery.Store.Consensus;

namespace Discovery.Store.Peers;

/// <summary>From bytes to messages.</summary>
internal static partial class PeerCodec
{
    /// <summary>
    /// Reads what <see cref="Encode"/> wrote. Entries, commands and pieces of snapshots live long: those of a frame share
    /// arrays of their own (<see cref="PayloadArrays"/>), and nothing of the given bytes is kept.
    /// </summary>
    /// <exception cref="PeerFormatException">It is no such message.</exception>
    public static PeerMessage Decode(FrameKind kind, ReadOnlySpan<byte> payload, NodeId from, NodeId to)
    {
        var fields = new FieldReader(payload, NameOf(kind));
        PeerMessage message = kind switch
        {
            FrameKind.Raft => new RaftMessage(ReadRaft(ref fields, from, to)),
            FrameKind.Forward => ReadForward(ref fields, from, to),
            FrameKind.ForwardRefused => new ForwardRefused(from, to, ReadSequences(ref fields), ReadError(ref fields)),
            FrameKind.LeaseQuestion => new LeaseQuestion(
                from, to, fields.UInt64("term"), fields.UInt64("question"), fields.Flag("renew"), ReadNumbers(ref fields, "leases")),
            FrameKind.LeaseAnswer => new LeaseAnswer(from, to, fields.UInt64("question"), ReadNumbers(ref fields, "seconds")),
            FrameKind.SnapshotPull => new SnapshotPull(from, to, fields.EntryId("at"), fields.Size("offset")),
            FrameKind.SnapshotChunk => ReadChunk(ref fields, from, to),
            _ => throw new PeerFormatException($"found {NameOf(kind)} on a connection that is open, wanted messages"),
        };
        fields.End();
        return message;
    }

    // ToString of an enum allocates; this is asked for every frame.
    private static string NameOf(FrameKind kind) => kind switch
    {
        FrameKind.Hello => nameof(FrameKind.Hello),
        FrameKind.Accepted => nameof(FrameKind.Accepted),
        FrameKind.Refused => nameof(FrameKind.Refused),
        FrameKind.Raft => nameof(FrameKind.Raft),
        FrameKind.Forward => nameof(FrameKind.Forward),
        FrameKind.ForwardRefused => nameof(FrameKind.ForwardRefused),
        FrameKind.LeaseQuestion => nameof(FrameKind.LeaseQuestion),
        FrameKind.LeaseAnswer => nameof(FrameKind.LeaseAnswer),
        FrameKind.SnapshotPull => nameof(FrameKind.SnapshotPull),
        FrameKind.SnapshotChunk => nameof(FrameKind.SnapshotChunk),
        _ => throw new UnreachableException($"frame kind {kind}"),
    };

    private static Message ReadRaft(ref FieldReader fields, NodeId from, NodeId to)
    {
        var kind = (MessageKind)fields.Byte("kind");
        if (kind is < MessageKind.Append or > MessageKind.ReadIndexResponse)
        {
            throw fields.Wrong($"its kind is {(byte)kind}, which this version does not know");
        }

        byte flags = fields.Byte("flags");
        ushort zeros = fields.UInt16("zeros");
        if ((flags & ~AcceptedFlag) != 0 || zeros != 0)
        {
            throw fields.Wrong($"its flags are {flags:x2} and {zeros:x4}, wanted 00 or 01 and zeros");
        }

        var message = new Message(kind, from, to, fields.UInt64("term"))
        {
            Accepted = flags == AcceptedFlag,
            Log = fields.EntryId("log"),
            Index = fields.UInt64("index"),
            Context = fields.UInt64("context"),
        };
        return kind == MessageKind.Append ? message with { Entries = ReadEntries(ref fields, message) } : message;
    }

    /// <summary>Entries follow the one before them without a gap, in terms that never fall and that the sender has lived (Raft §5.3).</summary>
    private static Entry[] ReadEntries(ref FieldReader fields, in Message message)
    {
        int count = fields.Count("entries", EntryBytes, PeerLimits.EntriesMax);
        if (count == 0)
        {
            return [];
        }

        if (message.Log.Index > ulong.MaxValue - PeerLimits.EntriesMax)
        {
            throw fields.Wrong($"its log index is {message.Log.Index}, which {count} entries cannot follow");
        }

        var heads = new FieldReader(fields.Bytes(count * EntryBytes, "entries"), NameOf(FrameKind.Raft));
        var payloads = new PayloadArrays(fields.Left);
        var entries = new Entry[count];
        EntryId id = message.Log;
        for (int i = 0; i < count; i++)
        {
            ulong term = heads.UInt64("entry term");
            var kind = (EntryKind)heads.Byte("entry kind");
            uint length = heads.UInt32("entry length");
            if (term < id.Term || term > message.Term)
            {
                throw fields.Wrong($"entry {id.Index + 1} is of term {term}, wanted {id.Term} to {message.Term}");
            }

            if (kind > EntryKind.Membership)
            {
                throw fields.Wrong($"entry {id.Index + 1} is of kind {(byte)kind}, which this version does not know");
            }

            id = new EntryId(term, id.Index + 1);
            entries[i] = new Entry(id, kind, payloads.Copy(fields.Bytes(length, "entry")));
            CheckMembership(entries[i], in fields);
        }

        return entries;
    }

    private static void CheckMembership(in Entry entry, in FieldReader fields)
    {
        if (entry.Kind != EntryKind.Membership)
        {
            return;
        }

        try
        {
            _ = Membership.Decode(entry.Payload);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw fields.Wrong($"entry {entry.Id.Index}: {e.Message}");
        }
    }

    private static Forward ReadForward(ref FieldReader fields, NodeId from, NodeId to)
    {
        ulong term = fields.UInt64("term");
        ulong instance = fields.UInt64("instance");
        ulong batch = fields.UInt64("batch");
        int count = fields.Count("commands", 4, PeerLimits.ItemsMax);
        var lengths = new FieldReader(fields.Bytes(count * 4, "commands"), NameOf(FrameKind.Forward));
        var payloads = new PayloadArrays(fields.Left);
        var commands = new ReadOnlyMemory<byte>[count];
        for (int i = 0; i < count; i++)
        {
            commands[i] = payloads.Copy(fields.Bytes(lengths.UInt32("length"), "command"));
        }

        return new Forward(from, to, term, instance, batch, commands);
    }

    private static SnapshotChunk ReadChunk(ref FieldReader fields, NodeId from, NodeId to)
    {
        EntryId at = fields.EntryId("at");
        long offset = fields.Size("offset");
        long total = fields.Size("total");
        uint crc = fields.UInt32("crc");
        int length = fields.Left;
        return length <= PeerLimits.SnapshotChunkBytesMax && offset <= total - length
            ? new SnapshotChunk(from, to, at, offset, total, crc, fields.Bytes(length, "bytes").ToArray())
            : total == 0 && length == 0
            ? new SnapshotChunk(from, to, at, offset, 0, crc, default)
            : throw fields.Wrong($"it has {length} bytes from {offset} of {total}, wanted at most {PeerLimits.SnapshotChunkBytesMax} within the total");
    }

    private static ulong[] ReadSequences(ref FieldReader fields)
    {
        ulong[] sequences = new ulong[fields.Count("sequences", 8, PeerLimits.ItemsMax)];
        for (int i = 0; i < sequences.Length; i++)
        {
            sequences[i] = fields.UInt64("sequence");
        }

        return sequences;
    }

    /// <summary>An error that is to be told to clients, as another member put it.</summary>
    private static EtcdError ReadError(ref FieldReader fields)
    {
        var code = (GrpcStatusCode)fields.Byte("code");
        ReadOnlySpan<byte> text = fields.Bytes(fields.Left, "text");
        if (!Enum.IsDefined(code) || code == GrpcStatusCode.Ok)
        {
            throw fields.Wrong($"its code is {(byte)code}, which is no gRPC error");
        }

        return text.Length <= PeerLimits.RefusalBytesMax && Utf8.IsValid(text)
            ? new EtcdError(code, Encoding.UTF8.GetString(text))
            : throw fields.Wrong($"its text has {text.Length} bytes, wanted at most {PeerLimits.RefusalBytesMax} of UTF-8");
    }

    private static long[] ReadNumbers(ref FieldReader fields, string field)
    {
        long[] numbers = new long[fields.Count(field, 8, PeerLimits.ItemsMax)];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = fields.Int64(field);
        }

        return numbers;
    }
}
