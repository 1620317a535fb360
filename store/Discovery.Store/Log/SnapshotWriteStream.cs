using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Discovery.Store.Log;

/// <summary>
/// Cuts what is written into chunks of a snapshot file, each with its check: CRC-32C of its bytes, begun with its number,
/// so that a chunk that ended up elsewhere is noticed.
/// </summary>
internal sealed class SnapshotWriteStream(IDiskFile file) : Stream
{
    public const int CheckBytes = sizeof(uint);

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _chunk = new byte[Limits.SnapshotPieceBytes];
    private int _filled;
    private uint _chunks;

    /// <summary>Bytes in the file so far.</summary>
    public long FileBytes { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            ReadOnlySpan<byte> next = buffer[..Math.Min(buffer.Length, _chunk.Length - CheckBytes - _filled)];
            Append(next);
            buffer = buffer[next.Length..];
        }
    }

    /// <summary>Ends the file with the SHA-256 of everything that was written, and makes it durable.</summary>
    public void Finish()
    {
        _hash.AppendData(_chunk, 0, _filled);
        ReadOnlySpan<byte> sum = _hash.GetHashAndReset();
        while (sum.Length > 0)
        {
            int room = Math.Min(sum.Length, _chunk.Length - CheckBytes - _filled);
            sum[..room].CopyTo(_chunk.AsSpan(_filled));
            _filled += room;
            sum = sum[room..];
            EndChunk();
        }

        file.Sync();
    }

    public override void Flush()
    {
        // A chunk is written when it is full; the file is synced by Finish, once.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>The check of a chunk.</summary>
    public static uint Check(ReadOnlySpan<byte> bytes, long number) => Crc32C.Compute(bytes, (uint)number);

    protected override void Dispose(bool disposing)
    {
        _hash.Dispose();
        base.Dispose(disposing);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_chunk.AsSpan(_filled));
        _filled += bytes.Length;
        if (_filled == _chunk.Length - CheckBytes)
        {
            _hash.AppendData(_chunk, 0, _filled);
            EndChunk();
        }
    }

    private void EndChunk()
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_chunk.AsSpan(_filled), Check(_chunk.AsSpan(0, _filled), _chunks));
        file.Write(FileBytes, _chunk.AsSpan(0, _filled + CheckBytes));
        FileBytes += _filled + CheckBytes;
        _filled = 0;
        _chunks++;
    }
}
