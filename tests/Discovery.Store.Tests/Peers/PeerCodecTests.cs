using System.Runtime.InteropServices;
using Discovery.EtcdApi;
using Discovery.Raft;
using Discovery.Store.Consensus;

namespace Discovery.Store.Tests.Peers;

/// <summary>Messages become bytes and messages again, and the bytes of version 1 stay what they are.</summary>
public sealed class PeerCodecTests
{
    private static readonly NodeId From = RandomMessages.From;
    private static readonly NodeId To = RandomMessages.To;

    [Fact]
    public void Every_message_comes_back_as_it_was()
    {
        int seed = Random.Shared.Next();
        var messages = new RandomMessages(new Random(seed));

        for (int i = 0; i < 2_000; i++)
        {
            PeerMessage sent = messages.Next(i % RandomMessages.Kinds);

            PeerMessage received = Wire.Decode(Wire.Encode(sent))!;

            Assert.True(RandomMessages.Text(sent) == RandomMessages.Text(received), $"seed {seed}, message {i}: {sent} came back as {received}");
        }
    }

    /// <summary>A golden file of version 1: what is on the wire between members of different versions may not change.</summary>
    [Fact]
    public void Bytes_of_version_1_do_not_change()
    {
        var id = new EntryId(0x0102030405060708, 0x1112131415161718);
        Message raft = new(MessageKind.VoteRequest, From, To, 0x2122232425262728) { Log = id, Index = 0x31, Accepted = true, Context = 0x41 };
        Entry[] entries =
        [
            new(new EntryId(id.Term, id.Index + 1), EntryKind.Command, "put"u8.ToArray()),
            new(new EntryId(id.Term + 1, id.Index + 2), EntryKind.NoOp, default),
        ];

        (PeerMessage Message, string Hex)[] golden =
        [
            (new RaftMessage(raft), "2c00000010000000831fa7d20301000028272625242322210807060504030201181716151413121131000000000000004100000000000000"),
            (new RaftMessage(raft with { Kind = MessageKind.Append, Entries = entries }), "4d00000010000000828335730101000028272625242322210807060504030201181716151413121131000000000000004100000000000000020000000807060504030201000300000009070605040302010100000000707574"),
            (new Forward(From, To, 1, 2, 3, ["ab"u8.ToArray(), "c"u8.ToArray()]), "2700000011000000d7d1ad63010000000000000002000000000000000300000000000000020000000200000001000000616263"),
            (new ForwardRefused(From, To, [2, 3], EtcdError.NotLeader), "2b0000001200000019ef078c020000000200000000000000030000000000000009657463647365727665723a206e6f74206c6561646572"),
            (new LeaseQuestion(From, To, 1, 2, true, [3, 4]), "25000000130000001ceb3c4401000000000000000200000000000000010200000003000000000000000400000000000000"),
            (new LeaseAnswer(From, To, 1, [-1, 2]), "1c00000014000000d8265a89010000000000000002000000ffffffffffffffff0200000000000000"),
            (new SnapshotPull(From, To, id, 0x51), "1800000015000000e6f5645a080706050403020118171615141312115100000000000000"),
            (new SnapshotChunk(From, To, id, 0x51, 0x61, 0x71727374, "bytes"u8.ToArray()), "29000000160000006f2d6a500807060504030201181716151413121151000000000000006100000000000000747372716279746573"),
        ];

        Assert.Equal(golden.Select(static g => g.Hex), golden.Select(static g => Convert.ToHexStringLower(Wire.Encode(g.Message))));
        Assert.All(golden, static g => Assert.Equal(RandomMessages.Text(g.Message), RandomMessages.Text(Wire.Decode(Convert.FromHexString(g.Hex))!)));
    }

    [Theory]
    [InlineData(100, 100, 1)]
    [InlineData(1_000, 100, 2)]
    [InlineData(3, 100_000, 3)]
    public void Entries_of_a_frame_share_arrays_that_nobody_else_has(int count, int bytes, int arraysWanted)
    {
        Entry[] entries = [.. Enumerable.Range(1, count).Select(i => new Entry(new EntryId(1, (ulong)i), EntryKind.Command, new byte[bytes]))];
        byte[] frame = Wire.Encode(new RaftMessage(new Message(MessageKind.Append, From, To, 1) { Entries = entries }));

        var received = (RaftMessage)Wire.Decode(frame)!;

        byte[][] arrays = [.. received.Message.Entries.ToArray().Select(static entry =>
        {
            Assert.True(MemoryMarshal.TryGetArray(entry.Payload, out ArraySegment<byte> segment));
            return segment.Array!;
        }).Distinct()];
        Assert.Equal(arraysWanted, arrays.Length);
        Assert.DoesNotContain(frame, arrays);
        Assert.InRange(arrays.Sum(static array => array.Length), count * bytes, (count * bytes) + (bytes * arraysWanted));
    }
}
