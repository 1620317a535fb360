using System.Diagnostics;
using System.Text;
using Discovery.Raft;
using Discovery.Store.Consensus;

namespace Discovery.Store.Peers;

/// <summary>
/// What members say to each other, as frames. This is the only place that distrusts peers: behind it every message is
/// well-formed, whatever came. Sender and receiver are not in the frame: a connection is between two members who told
/// each other in the handshake who they are.
/// </summary>
/// <remarks>
/// <para>Payloads of version 1; numbers little-endian, sizes in bytes:</para>
/// <list type="table">
/// <item><term>Raft</term><description>kind 1, flags 1 (bit 0: accepted), zeros 2, term 8, log term 8, log index 8,
/// index 8, context 8. Append goes on: count 4; of each entry term 8, kind 1, length 4; all payloads. Its entries follow
/// the log index, so theirs are not written.</description></item>
/// <item><term>Forward</term><description>term 8, instance 8, batch 8, count 4, lengths 4 each, all commands</description></item>
/// <item><term>ForwardRefused</term><description>count 4, sequences 8 each, status code 1, text</description></item>
/// <item><term>LeaseQuestion</term><description>term 8, question 8, renew 1, count 4, ids 8 each</description></item>
/// <item><term>LeaseAnswer</term><description>question 8, count 4, seconds 8 each</description></item>
/// <item><term>SnapshotPull</term><description>term 8, index 8, offset 8</description></item>
/// <item><term>SnapshotChunk</term><description>term 8, index 8, offset 8, total 8, CRC 4, the bytes</description></item>
/// </list>
/// </remarks>
internal static partial class PeerCodec
{
    private const int RaftBytes = 44;
    private const int EntryBytes = 13;
    private const int ChunkBytes = 36;
    private const byte AcceptedFlag = 1;

    /// <summary>The exact size of the message's frame.</summary>
    public static long FrameBytes(PeerMessage message) => FrameHeader.Bytes + message switch
    {
        RaftMessage { Message.Kind: MessageKind.Append } append => RaftBytes + 4 + EntriesBytes(append.Message.Entries.Span),
        RaftMessage => RaftBytes,
        Forward forward => 28 + CommandsBytes(forward.Commands),
        ForwardRefused refused => 5 + (8L * refused.Sequences.Count) + Encoding.UTF8.GetByteCount(refused.Error.Text),
        LeaseQuestion question => 21 + (8L * question.LeaseIds.Count),
        LeaseAnswer answer => 12 + (8L * answer.Seconds.Count),
        SnapshotPull => 24,
        SnapshotChunk chunk => ChunkBytes + (long)chunk.Bytes.Length,
        _ => throw new UnreachableException($"{message.GetType().Name} has no frame"),
    };

    /// <summary>Writes the frame into room of exactly <see cref="FrameBytes"/>.</summary>
    public static void Encode(PeerMessage message, Span<byte> frame)
    {
        var payload = new FieldWriter(frame[FrameHeader.Bytes..]);
        FrameKind kind = Write(message, ref payload);
        Invariant.Holds(payload.Left == 0);
        FrameHeader.Close(frame, kind);
    }

    private static FrameKind Write(PeerMessage message, ref FieldWriter payload)
    {
        switch (message)
        {
            case RaftMessage raft:
                WriteRaft(raft.Message, ref payload);
                return FrameKind.Raft;

            case Forward forward:
                WriteForward(forward, ref payload);
                return FrameKind.Forward;

            case ForwardRefused refused:
                payload.Count(refused.Sequences.Count);
                foreach (ulong sequence in refused.Sequences)
                {
                    payload.UInt64(sequence);
                }

                payload.Byte((byte)refused.Error.Code);
                payload.Bytes(Encoding.UTF8.GetBytes(refused.Error.Text));
                return FrameKind.ForwardRefused;

            case LeaseQuestion question:
                payload.UInt64(question.Term);
                payload.UInt64(question.Question);
                payload.Flag(question.Renew);
                WriteNumbers(question.LeaseIds, ref payload);
                return FrameKind.LeaseQuestion;

            case LeaseAnswer answer:
                payload.UInt64(answer.Question);
                WriteNumbers(answer.Seconds, ref payload);
                return FrameKind.LeaseAnswer;

            case SnapshotPull pull:
                payload.EntryId(pull.At);
                payload.Int64(pull.Offset);
                return FrameKind.SnapshotPull;

            case SnapshotChunk chunk:
                payload.EntryId(chunk.At);
                payload.Int64(chunk.Offset);
                payload.Int64(chunk.TotalBytes);
                payload.UInt32(chunk.Crc);
                payload.Bytes(chunk.Bytes.Span);
                return FrameKind.SnapshotChunk;

            default:
                throw new UnreachableException($"{message.GetType().Name} has no frame");
        }
    }

    private static void WriteRaft(in Message message, ref FieldWriter payload)
    {
        payload.Byte((byte)message.Kind);
        payload.Byte(message.Accepted ? AcceptedFlag : (byte)0);
        payload.Zeros(2);
        payload.UInt64(message.Term);
        payload.EntryId(message.Log);
        payload.UInt64(message.Index);
        payload.UInt64(message.Context);
        if (message.Kind != MessageKind.Append)
        {
            Invariant.Holds(message.Entries.IsEmpty);
            return;
        }

        ReadOnlySpan<Entry> entries = message.Entries.Span;
        payload.Count(entries.Length);
        ulong index = message.Log.Index;
        foreach (ref readonly Entry entry in entries)
        {
            Invariant.Holds(entry.Id.Index == ++index);
            payload.UInt64(entry.Id.Term);
            payload.Byte((byte)entry.Kind);
            payload.Count(entry.Payload.Length);
        }

        foreach (ref readonly Entry entry in entries)
        {
            payload.Bytes(entry.Payload.Span);
        }
    }

    private static void WriteForward(Forward forward, ref FieldWriter payload)
    {
        payload.UInt64(forward.Term);
        payload.UInt64(forward.Instance);
        payload.UInt64(forward.Batch);
        payload.Count(forward.Commands.Count);
        foreach (ReadOnlyMemory<byte> command in forward.Commands)
        {
            payload.Count(command.Length);
        }

        foreach (ReadOnlyMemory<byte> command in forward.Commands)
        {
            payload.Bytes(command.Span);
        }
    }

    private static void WriteNumbers(IReadOnlyList<long> numbers, ref FieldWriter payload)
    {
        payload.Count(numbers.Count);
        foreach (long number in numbers)
        {
            payload.Int64(number);
        }
    }

    private static long EntriesBytes(ReadOnlySpan<Entry> entries)
    {
        long bytes = (long)EntryBytes * entries.Length;
        foreach (ref readonly Entry entry in entries)
        {
            bytes += entry.Payload.Length;
        }

        return bytes;
    }

    private static long CommandsBytes(IReadOnlyList<ReadOnlyMemory<byte>> commands)
    {
        long bytes = 4L * commands.Count;
        foreach (ReadOnlyMemory<byte> command in commands)
        {
            bytes += command.Length;
        }

        return bytes;
    }
}
