using Discovery.Store.Consensus;
using Discovery.Store.Peers;

namespace Discovery.Store.Tests.Peers;

/// <summary>Frames without a connection.</summary>
internal static class Wire
{
    /// <summary>The message's frame.</summary>
    public static byte[] Encode(PeerMessage message)
    {
        byte[] frame = new byte[PeerCodec.FrameBytes(message)];
        PeerCodec.Encode(message, frame);
        return frame;
    }

    /// <summary>The first message in the bytes; null when they are not all of it.</summary>
    public static PeerMessage? Decode(byte[] bytes)
    {
        var frames = new FrameReader { PayloadBytesMax = PeerLimits.FrameBytesMax };
        Add(frames, bytes);
        return Take(frames);
    }

    /// <summary>The next message that has arrived.</summary>
    public static PeerMessage? Take(FrameReader frames) => frames.TryTake(out FrameKind kind, out ReadOnlySpan<byte> payload)
        ? PeerCodec.Decode(kind, payload, RandomMessages.From, RandomMessages.To)
        : null;

    /// <summary>The bytes arrive.</summary>
    public static void Add(FrameReader frames, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> room = frames.Room();
            int count = Math.Min(room.Length, bytes.Length);
            bytes[..count].CopyTo(room);
            frames.Add(count);
            bytes = bytes[count..];
        }
    }
}
