using System.Globalization;
using Discovery.EtcdApi;
using Discovery.Raft;
using Discovery.Store.Consensus;

namespace Discovery.Store.Tests.Peers;

/// <summary>Messages of every kind with random values, and what tells two of them apart.</summary>
internal sealed class RandomMessages(Random random)
{
    public static readonly NodeId From = new(0x1111_2222_3333_4444);
    public static readonly NodeId To = new(0x5555_6666_7777_8888);

    /// <summary>The number of different kinds that <see cref="Next(int)"/> makes.</summary>
    public const int Kinds = 16;

    public PeerMessage Next() => Next(random.Next(Kinds));

    /// <summary>0 to 9: Raft's; then the others.</summary>
    public PeerMessage Next(int kind) => kind switch
    {
        0 => new RaftMessage(Append()),
        < 10 => new RaftMessage(Plain((MessageKind)(kind + 1))),
        10 => new Forward(From, To, Number(), Number(), Number(), [.. Many(40).Select(_ => (ReadOnlyMemory<byte>)Bytes(300))]),
        11 => new ForwardRefused(From, To, [.. Many(40).Select(_ => Number())], EtcdError.TooManyRequests),
        12 => new LeaseQuestion(From, To, Number(), Number(), random.Next(2) == 0, [.. Many(40).Select(_ => (long)Number())]),
        13 => new LeaseAnswer(From, To, Number(), [.. Many(40).Select(_ => (long)Number())]),
        14 => new SnapshotPull(From, To, Id(), random.NextInt64()),
        _ => Chunk(),
    };

    /// <summary>Everything that a message holds.</summary>
    public static string Text(PeerMessage message) => message switch
    {
        RaftMessage raft => $"{raft.Message with { Entries = default }} {string.Join(' ', raft.Message.Entries.ToArray().Select(Text))}",
        Forward forward => $"{forward with { Commands = [] }} {string.Join(' ', forward.Commands.Select(Hex))}",
        ForwardRefused refused => $"{refused with { Sequences = [] }} {string.Join(' ', refused.Sequences)}",
        LeaseQuestion question => $"{question with { LeaseIds = [] }} {string.Join(' ', question.LeaseIds)}",
        LeaseAnswer answer => $"{answer with { Seconds = [] }} {string.Join(' ', answer.Seconds)}",
        SnapshotChunk chunk => $"{chunk with { Bytes = default }} {Hex(chunk.Bytes)}",
        _ => message.ToString(),
    };

    private Message Append()
    {
        EntryId id = Id();
        ulong term = id.Term + (ulong)random.Next(3);
        var entries = new Entry[random.Next(60)];
        EntryId last = id;
        for (int i = 0; i < entries.Length; i++)
        {
            last = new EntryId(Math.Min(term, last.Term + (ulong)random.Next(2)), last.Index + 1);
            entries[i] = random.Next(20) == 0
                ? new Entry(last, EntryKind.Membership, new Membership([From, To], [new NodeId(Number())]) { Context = Bytes(20) }.Encode())
                : new Entry(last, (EntryKind)random.Next(2), Bytes(300));
        }

        return Plain(MessageKind.Append) with { Term = term, Log = id, Entries = entries };
    }

    private Message Plain(MessageKind kind) => new(kind, From, To, Number())
    {
        Log = Id(),
        Index = Number(),
        Accepted = random.Next(2) == 0,
        Context = Number(),
    };

    private SnapshotChunk Chunk()
    {
        byte[] bytes = Bytes(5000);
        long offset = random.NextInt64(1L << 40);
        return new SnapshotChunk(From, To, Id(), offset, offset + bytes.Length + random.Next(2), (uint)random.NextInt64(), bytes);
    }

    private EntryId Id() => new(Number() >> 2, Number() >> 2);

    private ulong Number() => (ulong)random.NextInt64() >> random.Next(60);

    private IEnumerable<int> Many(int max) => Enumerable.Range(0, random.Next(max));

    private byte[] Bytes(int max)
    {
        byte[] bytes = new byte[random.Next(max)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static string Text(Entry entry) => string.Create(CultureInfo.InvariantCulture, $"{entry.Id}/{entry.Kind}/{Hex(entry.Payload)}");

    private static string Hex(ReadOnlyMemory<byte> bytes) => Convert.ToHexStringLower(bytes.Span);
}
