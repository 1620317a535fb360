using System.Buffers.Binary;
using Discovery.Raft;
using Discovery.Store.Consensus;
using Discovery.Store.Log;
using Discovery.Store.Peers;

namespace Discovery.Store.Tests.Peers;

/// <summary>Whatever bytes come, they are a well-formed message or a refusal, and cost no more memory than they are.</summary>
public sealed class HostileBytesTests
{
    private const int Frames = 20_000;

    /// <summary>
    /// Goal: no bytes get past the codec that it would not have written itself. How: frames of every kind are damaged in
    /// one to four places; half of them get a right CRC again, else no damage would be seen by what lies behind that check.
    /// What is still accepted must become the same bytes again.
    /// </summary>
    [Fact]
    public void Damaged_frames_are_refused_or_are_messages_that_we_could_have_sent()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        var messages = new RandomMessages(random);
        int accepted = 0;
        int refused = 0;
        for (int i = 0; i < Frames; i++)
        {
            byte[] frame = Wire.Encode(messages.Next());
            for (int damages = random.Next(1, 5); damages > 0; damages--)
            {
                frame = Damage(frame, random);
            }

            if (frame.Length >= FrameHeader.Bytes && random.Next(2) == 0)
            {
                MakeWhole(frame);
            }

            try
            {
                if (Wire.Decode(frame) is { } message)
                {
                    accepted++;
                    Assert.True(frame.AsSpan().StartsWith(Wire.Encode(message)), $"seed {seed}, frame {i}: {Convert.ToHexString(frame)} became {message}");
                }
            }
            catch (PeerFormatException)
            {
                refused++;
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, frame {i}: {Convert.ToHexString(frame)}: {e}");
            }
        }

        // The proof of the proof: damage was seen on both sides of the CRC.
        Assert.True(accepted > Frames / 100 && refused > Frames / 4, $"seed {seed}: accepted {accepted}, refused {refused} of {Frames}");
    }

    [Fact]
    public void Damaged_greetings_are_refused()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        var own = new PeerIdentity(1, new NodeId(2), ["http://10.0.0.1:2380", "http://name:1"], 3);
        byte[][] greetings =
        [
            HandshakeCodec.Encode(new Hello(1, 1, own, new NodeId(3), true)),
            HandshakeCodec.Encode(new Accepted(1, 1, new NodeId(2), 1)),
            HandshakeCodec.Encode(new Refused(RefusalCode.Removed, "gone")),
        ];
        for (int i = 0; i < Frames; i++)
        {
            byte[] frame = greetings[random.Next(greetings.Length)][HandshakeCodec.Magic.Length..];
            for (int damages = random.Next(1, 5); damages > 0; damages--)
            {
                frame = Damage(frame, random);
            }

            if (frame.Length >= FrameHeader.Bytes)
            {
                MakeWhole(frame);
            }

            try
            {
                var frames = new FrameReader();
                Wire.Add(frames, frame);
                if (frames.TryTake(out FrameKind kind, out ReadOnlySpan<byte> payload))
                {
                    _ = kind == FrameKind.Hello ? (object)HandshakeCodec.DecodeHello(kind, payload) : HandshakeCodec.DecodeAnswer(kind, payload);
                }
            }
            catch (PeerFormatException)
            {
                // As it should.
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, greeting {i}: {Convert.ToHexString(frame)}: {e}");
            }
        }
    }

    [Fact]
    public void Memory_follows_what_has_arrived_and_not_what_is_claimed()
    {
        byte[] frame = new byte[FrameHeader.Bytes];
        BinaryPrimitives.WriteInt32LittleEndian(frame, PeerLimits.FrameBytesMax);
        frame[4] = (byte)FrameKind.Raft;
        var frames = new FrameReader { PayloadBytesMax = PeerLimits.FrameBytesMax };
        Wire.Add(frames, frame);

        for (int arrived = frame.Length; arrived < 4 * PeerLimits.ReceiveBytesKept; arrived += 1000)
        {
            Assert.False(frames.TryTake(out _, out _));
            Assert.InRange(frames.Capacity, arrived, Math.Max(PeerLimits.ReceiveBytes, 2 * arrived));
            Wire.Add(frames, new byte[1000]);
        }
    }

    [Fact]
    public void Room_of_a_huge_frame_is_given_back()
    {
        var forward = new Forward(RandomMessages.From, RandomMessages.To, 1, 2, 3, [new byte[3 * PeerLimits.ReceiveBytesKept]]);
        var frames = new FrameReader { PayloadBytesMax = PeerLimits.FrameBytesMax };
        Wire.Add(frames, Wire.Encode(forward));
        Assert.Equal(forward.Commands[0].Length, ((Forward)Wire.Take(frames)!).Commands[0].Length);

        _ = frames.Room();

        Assert.Equal(PeerLimits.ReceiveBytes, frames.Capacity);
    }

    /// <summary>A count that the bytes cannot hold must fail before an array of that length is made.</summary>
    [Theory]
    [InlineData(FrameKind.Raft, 44, "entries")]
    [InlineData(FrameKind.Forward, 24, "commands")]
    [InlineData(FrameKind.ForwardRefused, 0, "sequences")]
    [InlineData(FrameKind.LeaseQuestion, 17, "leases")]
    [InlineData(FrameKind.LeaseAnswer, 8, "seconds")]
    internal void Counts_are_believed_only_as_far_as_there_are_bytes(FrameKind kind, int countAt, string field)
    {
        foreach (uint count in new[] { 2u, 60_000u, 1_000_000u, uint.MaxValue })
        {
            byte[] payload = new byte[countAt + 4 + 4];
            payload[0] = (byte)MessageKind.Append;
            BinaryPrimitives.WriteUInt32LittleEndian(payload.AsSpan(countAt), count);
            long before = GC.GetAllocatedBytesForCurrentThread();

            var e = Assert.Throws<PeerFormatException>(() => PeerCodec.Decode(kind, payload, RandomMessages.From, RandomMessages.To));

            Assert.Contains($"{field} is {count}", e.Message, StringComparison.Ordinal);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000);
        }
    }

    /// <summary>Right in form, and still nothing that a leader says (Raft §5.3): the log must never see it.</summary>
    [Theory]
    [InlineData("entry 8 is of term 3, wanted 4 to 5", 3, 0)]
    [InlineData("entry 8 is of term 6, wanted 4 to 5", 6, 0)]
    [InlineData("entry 8 is of kind 3, which this version does not know", 4, 3)]
    [InlineData("entry 8: found a membership of version 7", 4, 2)]
    public void Entries_that_no_leader_sends_are_refused(string what, ulong term, byte kind)
    {
        var entry = new Entry(new EntryId(term, 8), (EntryKind)kind, new byte[] { 7, 0, 0, 0 });
        byte[] frame = Wire.Encode(new RaftMessage(new Message(MessageKind.Append, RandomMessages.From, RandomMessages.To, 5)
        {
            Log = new EntryId(4, 7),
            Entries = new[] { entry },
        }));

        var e = Assert.Throws<PeerFormatException>(() => Wire.Decode(frame));

        Assert.StartsWith($"found a bad Raft: {what}", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(90, 100, 20)]
    [InlineData(-1, 100, 20)]
    [InlineData(0, -1, 0)]
    [InlineData(0, 100_000_000, PeerLimits.SnapshotChunkBytesMax + 1)]
    public void Pieces_outside_their_snapshot_are_refused(long offset, long total, int bytes) => Assert.Throws<PeerFormatException>(
        () => Wire.Decode(Wire.Encode(new SnapshotChunk(RandomMessages.From, RandomMessages.To, default, offset, total, 0, new byte[bytes]))));

    [Fact]
    public void Snapshot_that_is_gone_is_said_with_a_total_of_zero()
    {
        var gone = new SnapshotChunk(RandomMessages.From, RandomMessages.To, new EntryId(1, 2), 500, 0, 0, default);

        Assert.Equal(RandomMessages.Text(gone), RandomMessages.Text(Wire.Decode(Wire.Encode(gone))!));
    }

    [Fact]
    public void Frames_come_whole_however_the_stream_is_cut()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        var messages = new RandomMessages(random);
        PeerMessage[] sent = [.. Enumerable.Range(0, 500).Select(_ => messages.Next())];
        byte[] stream = [.. sent.SelectMany(Wire.Encode)];
        var frames = new FrameReader { PayloadBytesMax = PeerLimits.FrameBytesMax };
        var received = new List<string>();

        for (int at = 0; at < stream.Length;)
        {
            int count = Math.Min(random.Next(2) == 0 ? random.Next(1, 20) : random.Next(1, 100_000), stream.Length - at);
            Wire.Add(frames, stream.AsSpan(at, count));
            at += count;
            while (Wire.Take(frames) is { } message)
            {
                received.Add(RandomMessages.Text(message));
            }
        }

        Assert.True(sent.Select(RandomMessages.Text).SequenceEqual(received), $"seed {seed}");
    }

    private static byte[] Damage(byte[] frame, Random random)
    {
        if (frame.Length == 0)
        {
            return [1];
        }

        int at = random.Next(3) == 0 ? random.Next(frame.Length) : random.Next(Math.Min(frame.Length, 80));
        byte[] damaged = [.. frame];
        switch (random.Next(5))
        {
            case 0:
                damaged[at] ^= (byte)(1 << random.Next(8));
                return damaged;
            case 1:
                damaged[at] = (byte)random.Next(256);
                return damaged;
            case 2:
                return frame[..at];
            case 3:
                return [.. frame[..at], .. frame[random.Next(at, frame.Length)..]];
            default:
                random.NextBytes(damaged.AsSpan(at, Math.Min(damaged.Length - at, random.Next(1, 9))));
                return damaged;
        }
    }

    /// <summary>The right length and CRC around whatever the payload is now.</summary>
    private static void MakeWhole(byte[] frame)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - FrameHeader.Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(8), Crc32C.Compute(frame.AsSpan(FrameHeader.Bytes), Crc32C.Compute(frame.AsSpan(0, 8))));
    }
}
