using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>A part of a snapshot's file.</summary>
/// <param name="TotalBytes">The file's length; 0 when there is no such snapshot.</param>
/// <param name="Crc">CRC-32C of the bytes.</param>
/// <param name="Bytes">The bytes; none at the end of the file.</param>
internal readonly record struct SnapshotPiece(long TotalBytes, uint Crc, ReadOnlyMemory<byte> Bytes);

/// <summary>A snapshot that comes in piece by piece, in order; what is lost on the way is asked for again.</summary>
internal sealed class SnapshotReceiver(IDiskFile file, EntryId at)
{
    /// <summary>The entry that the state stands at.</summary>
    public EntryId At { get; } = at;

    /// <summary>Where the next piece begins.</summary>
    public long Offset { get; private set; }

    /// <summary>Bytes of the whole; 0 before the first piece.</summary>
    public long TotalBytes { get; private set; }

    public bool IsWhole => TotalBytes > 0 && Offset == TotalBytes;

    /// <summary>Takes the next piece. False when it is another one, or damaged: ask again from <see cref="Offset"/>.</summary>
    public bool Take(long offset, in SnapshotPiece piece)
    {
        if (offset != Offset
            || piece.TotalBytes is <= SnapshotHeader.Bytes or > Limits.SnapshotBytesMax
            || (TotalBytes != 0 && piece.TotalBytes != TotalBytes)
            || piece.Bytes.IsEmpty
            || piece.Bytes.Length > piece.TotalBytes - offset
            || Crc32C.Compute(piece.Bytes.Span) != piece.Crc)
        {
            return false;
        }

        try
        {
            file.Write(offset, piece.Bytes.Span);
        }
        catch (IOException)
        {
            // A full disk: the member goes on as it is, and asks again until there is room.
            return false;
        }

        Offset += piece.Bytes.Length;
        TotalBytes = piece.TotalBytes;
        return true;
    }

    /// <summary>Makes what was received durable and lets go of the file.</summary>
    public void Close()
    {
        file.Sync();
        file.Dispose();
    }

    /// <summary>Lets go of the file; it is no longer wanted.</summary>
    public void Abandon() => file.Dispose();
}
