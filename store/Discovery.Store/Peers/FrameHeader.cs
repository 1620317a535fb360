using System.Buffers.Binary;
using Discovery.Store.Log;

namespace Discovery.Store.Peers;

/// <summary>What a frame holds. The numbers are on the wire: only ever extended.</summary>
internal enum FrameKind : byte
{
    /// <summary>The dialer's greeting.</summary>
    Hello = 1,

    /// <summary>Its good answer.</summary>
    Accepted = 2,

    /// <summary>Its bad one.</summary>
    Refused = 3,

    /// <summary><see cref="Consensus.RaftMessage"/>.</summary>
    Raft = 16,

    /// <summary><see cref="Consensus.Forward"/>.</summary>
    Forward = 17,

    /// <summary><see cref="Consensus.ForwardRefused"/>.</summary>
    ForwardRefused = 18,

    /// <summary><see cref="Consensus.LeaseQuestion"/>.</summary>
    LeaseQuestion = 19,

    /// <summary><see cref="Consensus.LeaseAnswer"/>.</summary>
    LeaseAnswer = 20,

    /// <summary><see cref="Consensus.SnapshotPull"/>.</summary>
    SnapshotPull = 21,

    /// <summary><see cref="Consensus.SnapshotChunk"/>.</summary>
    SnapshotChunk = 22,
}

/// <summary>
/// The first bytes of every frame: payload length (4), kind (1), zeros (3), CRC-32C of these 8 bytes and the payload
/// (4); all numbers little-endian. The data's integrity must not rest on TCP's 16 bits.
/// </summary>
internal readonly record struct FrameHeader(int PayloadBytes, FrameKind Kind, uint Crc)
{
    public const int Bytes = 12;

    private const int CheckedBytes = 8;

    /// <summary>Reads the header; the length is one that may be waited for.</summary>
    /// <exception cref="PeerFormatException">It is above the bound, or the header is none.</exception>
    public static FrameHeader Read(ReadOnlySpan<byte> bytes, int payloadBytesMax)
    {
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (length > payloadBytesMax)
        {
            throw new PeerFormatException($"found a frame of {length} bytes, wanted at most {payloadBytesMax}");
        }

        if (!Enum.IsDefined((FrameKind)bytes[4]))
        {
            throw new PeerFormatException($"found a frame of kind {bytes[4]}, which this version does not know");
        }

        if ((bytes[5] | bytes[6] | bytes[7]) != 0)
        {
            throw new PeerFormatException($"found {Convert.ToHexStringLower(bytes[5..8])} behind a frame's kind, wanted zeros");
        }

        return new FrameHeader((int)length, (FrameKind)bytes[4], BinaryPrimitives.ReadUInt32LittleEndian(bytes[CheckedBytes..]));
    }

    /// <summary>Writes the header of a frame whose payload stands in its place already.</summary>
    public static void Close(Span<byte> frame, FrameKind kind)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - Bytes);
        frame[4] = (byte)kind;
        frame[5..8].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(frame[CheckedBytes..], Check(frame));
    }

    /// <summary>Whether the whole frame is what was sent.</summary>
    /// <exception cref="PeerFormatException">It is not.</exception>
    public void Verify(ReadOnlySpan<byte> frame)
    {
        uint found = Check(frame);
        if (found != Crc)
        {
            throw new PeerFormatException($"found a frame of kind {Kind} whose CRC says {Crc:x8}, its {PayloadBytes} bytes have {found:x8}");
        }
    }

    private static uint Check(ReadOnlySpan<byte> frame) => Crc32C.Compute(frame[Bytes..], Crc32C.Compute(frame[..CheckedBytes]));
}
