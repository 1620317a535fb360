using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Discovery.Store.Log;

/// <summary>What a snapshot file that was verified holds, without its checks.</summary>
internal sealed class SnapshotReadStream(IDiskFile file, bool isChunked) : Stream
{
    private readonly byte[] _chunk = new byte[Limits.SnapshotPieceBytes];
    private long _offset;
    private int _start;
    private int _end;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads all of a file and compares with its checks and with the SHA-256 at its end; what is wrong, or null.</summary>
    public static FileProblem? Verify(IDiskFile file, string path, bool isChunked)
    {
#if MUTANTS
        if (StoreMutant.SnapshotNotChecked.IsPlanted())
        {
            return null;
        }
#endif
        long length = file.Length;
        byte[] chunk = new byte[Limits.SnapshotPieceBytes];
        byte[] sum = new byte[SHA256.HashSizeInBytes];
        int checkBytes = isChunked ? SnapshotWriteStream.CheckBytes : 0;
        long chunks = (length + chunk.Length - 1) / chunk.Length;
        long summed = length - (chunks * checkBytes) - sum.Length;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long number = 0; number < chunks; number++)
        {
            long offset = number * chunk.Length;
            int bytes = (int)Math.Min(chunk.Length, length - offset);
            int read = file.Read(offset, chunk.AsSpan(0, bytes));
            if (read < bytes || bytes <= checkBytes)
            {
                return new FileProblem(path, offset + read, "the end of the file", "a whole chunk");
            }

            if (isChunked && ProblemOf(chunk.AsSpan(0, bytes), path, offset) is { } problem)
            {
                return problem;
            }

            int hashed = (int)Math.Clamp(summed, 0, bytes - checkBytes);
            hash.AppendData(chunk, 0, hashed);
            chunk.AsSpan(hashed, bytes - checkBytes - hashed).CopyTo(sum.AsSpan((int)Math.Max(0, -summed)));
            summed -= bytes - checkBytes;
        }

        byte[] found = hash.GetHashAndReset();
        return found.AsSpan().SequenceEqual(sum)
            ? null
            : new FileProblem(path, 0, $"bytes with SHA-256 {Convert.ToHexStringLower(found)[..16]}…", $"{Convert.ToHexStringLower(sum)[..16]}…, as its end says");
    }

    /// <summary>What is wrong with a chunk that was read, or null.</summary>
    public static FileProblem? ProblemOf(ReadOnlySpan<byte> chunk, string path, long offset)
    {
        uint found = BinaryPrimitives.ReadUInt32LittleEndian(chunk[^SnapshotWriteStream.CheckBytes..]);
        uint wanted = SnapshotWriteStream.Check(chunk[..^SnapshotWriteStream.CheckBytes], offset / Limits.SnapshotPieceBytes);
#if MUTANTS
        found = StoreMutant.SnapshotNotChecked.IsPlanted() ? wanted : found;
#endif
        return found == wanted ? null : new FileProblem(path, offset, $"a chunk with CRC {found:x8}", $"{wanted:x8}");
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        if (_start == _end)
        {
            int read = file.Read(_offset, _chunk);
            _offset += read;
            (_start, _end) = (0, Math.Max(0, read - (isChunked ? SnapshotWriteStream.CheckBytes : 0)));
        }

        int count = Math.Min(buffer.Length, _end - _start);
        _chunk.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    public override void Flush()
    {
        // Nothing is written.
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
