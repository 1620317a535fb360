using System.Buffers.Binary;
using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>
/// The first 44 bytes of a snapshot, little-endian: magic (8), format version (4), cluster id (8), id of the member that
/// wrote it (8), term (8), index (8). Magic and version keep their places in every later version.
/// </summary>
/// <param name="Version">1: the keyspace and a SHA-256. 2: the same, cut in checked chunks.</param>
/// <param name="Writer">Whose it is; the member may be another one than whose disk it is on.</param>
/// <param name="At">The last entry that it holds.</param>
internal readonly record struct SnapshotHeader(uint Version, WalIdentity Writer, EntryId At)
{
    public const int Bytes = 44;

    /// <summary>What is written now.</summary>
    public const uint LatestVersion = 2;

    private static ReadOnlySpan<byte> Magic => "DSCVSNAP"u8;

    /// <summary>Whether the file is cut in chunks that have their own checks.</summary>
    public bool IsChunked => Version >= 2;

    public void Write(Span<byte> into)
    {
        Magic.CopyTo(into);
        BinaryPrimitives.WriteUInt32LittleEndian(into[8..], Version);
        BinaryPrimitives.WriteUInt64LittleEndian(into[12..], Writer.ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(into[20..], Writer.MemberId);
        BinaryPrimitives.WriteUInt64LittleEndian(into[28..], At.Term);
        BinaryPrimitives.WriteUInt64LittleEndian(into[36..], At.Index);
    }

    /// <summary>What a file begins with; null when it is no snapshot. Nothing in it is verified yet.</summary>
    public static SnapshotHeader? Read(ReadOnlySpan<byte> bytes) => bytes.Length < Bytes || !bytes.StartsWith(Magic)
        ? null
        : new SnapshotHeader(
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
            new WalIdentity(BinaryPrimitives.ReadUInt64LittleEndian(bytes[12..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[20..])),
            new EntryId(BinaryPrimitives.ReadUInt64LittleEndian(bytes[28..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[36..])));
}
