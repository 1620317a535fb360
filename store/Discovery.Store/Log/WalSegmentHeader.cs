using System.Buffers.Binary;
using System.Globalization;

namespace Discovery.Store.Log;

/// <summary>Who wrote a log.</summary>
internal readonly record struct WalIdentity(ulong ClusterId, ulong MemberId)
{
    /// <inheritdoc/>
    public override string ToString() => $"{MemberId:x16} of cluster {ClusterId:x16}";
}

/// <summary>
/// The first 64 bytes of a segment. All numbers are little-endian: magic (8), version (4), header bytes (4), sequence
/// (8), cluster id (8), member id (8), base index (8), CRC at the end of the segment before (4), CRC of the 52 bytes
/// before it (4). Every later version keeps the magic, the version and the CRC in their places, so that a newer log can
/// be told from a damaged one.
/// </summary>
/// <param name="Sequence">Counts segments from 0 without a gap.</param>
/// <param name="Identity">Whose log it is.</param>
/// <param name="BaseIndex">No entry of an earlier segment has a greater or equal index that still counts.</param>
/// <param name="PreviousCrc">Chains the segments.</param>
internal readonly record struct WalSegmentHeader(ulong Sequence, WalIdentity Identity, ulong BaseIndex, uint PreviousCrc)
{
    public const int Bytes = 64;

    /// <summary>
    /// What is written now. 1: a batch has a hard state only when it changed. 2: every batch begins with one, which says
    /// whether the member recovers; marks of snapshots.
    /// </summary>
    public const uint Version = 2;

    private const int CheckedBytes = 52;

    private static ReadOnlySpan<byte> Magic => "DSCVWAL\n"u8;

    /// <summary>Names sort in the order of the segments.</summary>
    public string FileName => $"{Sequence:x16}-{BaseIndex:x16}.wal";

    /// <summary>Fills the header's bytes and returns their CRC, where the chain of records starts.</summary>
    public uint Write(Span<byte> into, uint version = Version)
    {
        into[..Bytes].Clear();
        Magic.CopyTo(into);
        BinaryPrimitives.WriteUInt32LittleEndian(into[8..], version);
        BinaryPrimitives.WriteUInt32LittleEndian(into[12..], Bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(into[16..], Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(into[24..], Identity.ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(into[32..], Identity.MemberId);
        BinaryPrimitives.WriteUInt64LittleEndian(into[40..], BaseIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(into[48..], PreviousCrc);
        uint crc = Crc32C.Compute(into[..CheckedBytes]);
        BinaryPrimitives.WriteUInt32LittleEndian(into[CheckedBytes..], crc);
        return crc;
    }

    /// <summary>What a segment's first bytes say, or what is wrong with them.</summary>
    /// <exception cref="StoreDataException">They are right, and newer than this program.</exception>
    public static WalSegmentHeader? Read(string path, ReadOnlySpan<byte> bytes, out uint crc, out FileProblem? problem)
    {
        crc = 0;
        problem = null;
        if (bytes.Length < Bytes || !bytes.StartsWith(Magic))
        {
            problem = new FileProblem(path, 0, "no log of this store", "a segment's header");
            return null;
        }

        crc = BinaryPrimitives.ReadUInt32LittleEndian(bytes[CheckedBytes..]);
        uint wanted = Crc32C.Compute(bytes[..CheckedBytes]);
        if (crc != wanted)
        {
            problem = new FileProblem(path, 0, $"a header with CRC {crc:x8}", $"{wanted:x8}");
            return null;
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (version is 0 or > Version)
        {
            throw new StoreDataException($"{path} has format version {version}; this program reads 1 to {Version}: start the newer program that wrote it");
        }

        return new WalSegmentHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
            new WalIdentity(BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..])),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[48..]));
    }

    /// <summary>What a segment's name says; null when it is no segment's name.</summary>
    public static (ulong Sequence, ulong BaseIndex)? Parse(string name) =>
        name.Length == 37 && name[16] == '-'
        && ulong.TryParse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong sequence)
        && ulong.TryParse(name.AsSpan(17, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong baseIndex)
            ? (sequence, baseIndex)
            : null;
}

/// <summary>A segment of the log on the disk.</summary>
internal readonly record struct WalSegment(WalSegmentHeader Header, long Bytes);
