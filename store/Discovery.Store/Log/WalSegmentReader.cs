using System.Buffers.Binary;
using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>
/// Reads one segment to the end of its last whole batch, and judges what follows. Bytes after it were never acknowledged
/// if they are a write that a crash cut off (torn); if something acknowledged stands behind a bad record, it is
/// corruption, and going on would lose it.
/// </summary>
internal sealed class WalSegmentReader
{
    private const int SectorBytes = 512;

    private readonly string _path;
    private readonly byte[] _bytes;
    private readonly List<(WalRecordKind Kind, Range Payload)> _batch = [];

    public WalSegmentReader(string path, byte[] bytes)
    {
        _path = path;
        _bytes = bytes;
        Header = WalSegmentHeader.Read(path, bytes, out uint crc);
        Crc = crc;
        End = WalSegmentHeader.Bytes;
    }

    public WalSegmentHeader Header { get; }

    /// <summary>Offset after the last whole batch.</summary>
    public long End { get; private set; }

    /// <summary>CRC of the last commit frame, or of the header when there is none.</summary>
    public uint Crc { get; private set; }

    /// <summary>What was found at <see cref="End"/>; null when the segment just ends there.</summary>
    public string? Torn { get; private set; }

    /// <summary>Reads all whole batches.</summary>
    /// <exception cref="StoreDataException">Something acknowledged is damaged.</exception>
    public void Read(bool isLast, Action<HardState> onState, Action<Entry> onEntry)
    {
        int offset = (int)End;
        uint crc = Crc;
        string? problem;
        while ((problem = ReadRecord(ref offset, ref crc)) is null)
        {
            if (_batch[^1].Kind != WalRecordKind.Commit)
            {
                continue;
            }

            foreach ((WalRecordKind kind, Range payload) in _batch)
            {
                switch (kind)
                {
                    case WalRecordKind.Entry:
                        onEntry(WalBatch.ReadEntry(_bytes.AsSpan(payload)));
                        break;
                    case WalRecordKind.HardState:
                        onState(WalBatch.ReadHardState(_bytes.AsSpan(payload)));
                        break;
                }
            }

            _batch.Clear();
            (End, Crc) = (offset, crc);
        }

        JudgeTail(isLast, offset, problem);
    }

    /// <summary>Reads one record into the batch; what is wrong, or null.</summary>
    private string? ReadRecord(ref int offset, ref uint crc)
    {
        if (_bytes.Length - offset < WalBatch.RecordHeaderBytes)
        {
            return "found the end of the file, wanted a record";
        }

        ReadOnlySpan<byte> header = _bytes.AsSpan(offset, WalBatch.RecordHeaderBytes);
        int length = BinaryPrimitives.ReadInt32LittleEndian(header);
        var kind = (WalRecordKind)header[4];
        if (length < 0 || length > _bytes.Length - offset - WalBatch.RecordHeaderBytes)
        {
            return $"found a record length of {(uint)length}, wanted at most the {_bytes.Length - offset} bytes that are left";
        }

        uint found = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (found == 0 && length == 0 && kind == WalRecordKind.None)
        {
            return "found zeros, wanted a record";
        }

        ReadOnlySpan<byte> payload = _bytes.AsSpan(offset + WalBatch.RecordHeaderBytes, length);
        uint wanted = Crc32C.Compute(payload, Crc32C.Compute(header[..8], crc));
        if (found != wanted)
        {
            return $"found a record with CRC {found:x8}, wanted {wanted:x8}";
        }

        if (!IsWellFormed(kind, length))
        {
            // Its CRC is right, so it was written so: by a newer program.
            throw new StoreDataException(
                $"{_path}, offset {offset}: found a record of kind {(byte)kind} with {length} bytes, which this program does not know: start the newer program that wrote it");
        }

        int start = offset + WalBatch.RecordHeaderBytes;
        _batch.Add((kind, start..(start + length)));
        offset += WalBatch.PaddedBytes(length);
        crc = wanted;
        return null;
    }

    private static bool IsWellFormed(WalRecordKind kind, int length) => kind switch
    {
        WalRecordKind.Entry => length >= 17,
        WalRecordKind.HardState => length == 24,
        WalRecordKind.Commit => length == WalBatch.CommitPayloadBytes,
        _ => false,
    };

    private void JudgeTail(bool isLast, int problemAt, string problem)
    {
        int end = (int)End;
        if (_bytes.AsSpan(end).IndexOfAnyExcept((byte)0) < 0)
        {
            return;
        }

        if (!isLast)
        {
            throw Corrupt(problemAt, problem, "a later segment follows");
        }

        for (int at = end; at <= _bytes.Length - WalBatch.PaddedBytes(WalBatch.CommitPayloadBytes); at += 8)
        {
            if (CommitFrameAt(at) is not { } batchStart)
            {
                continue;
            }

            if (batchStart != end)
            {
                throw Corrupt(problemAt, problem, $"a later batch is committed at offset {at}");
            }

            // The frame of the damaged batch itself. A crash may write a batch's sectors in any order, but a sector
            // that it did not write still has the zeros of a fresh segment.
            if (!HasZeroSector(end, at))
            {
                throw Corrupt(problemAt, problem, $"its batch is committed at offset {at} and no sector of it is unwritten");
            }
        }

        Torn = $"offset {problemAt}: {problem}";
    }

    /// <summary>The start of the batch whose commit frame stands here; null when none does.</summary>
    private long? CommitFrameAt(int offset)
    {
        ReadOnlySpan<byte> record = _bytes.AsSpan(offset, WalBatch.PaddedBytes(WalBatch.CommitPayloadBytes));
        if (BinaryPrimitives.ReadInt32LittleEndian(record) != WalBatch.CommitPayloadBytes || record[4] != (byte)WalRecordKind.Commit)
        {
            return null;
        }

        ReadOnlySpan<byte> payload = record.Slice(WalBatch.RecordHeaderBytes, WalBatch.CommitPayloadBytes);
        long batchStart = BinaryPrimitives.ReadInt64LittleEndian(payload);
        Span<byte> wanted = stackalloc byte[WalBatch.CommitPayloadBytes];
        WalBatch.WriteCommit(wanted, Header.Sequence, batchStart, BinaryPrimitives.ReadInt32LittleEndian(payload[8..]), offset);
        return payload.SequenceEqual(wanted) ? batchStart : null;
    }

    private bool HasZeroSector(int from, int to)
    {
        int first = (from + SectorBytes - 1) / SectorBytes * SectorBytes;
        for (int at = first; at + SectorBytes <= to; at += SectorBytes)
        {
            if (_bytes.AsSpan(at, SectorBytes).IndexOfAnyExcept((byte)0) < 0)
            {
                return true;
            }
        }

        // The batch may begin in a sector that older batches share: then what is ours of it counts.
        return first > from && _bytes.AsSpan(from, Math.Min(first, to) - from).IndexOfAnyExcept((byte)0) < 0;
    }

    private StoreDataException Corrupt(int offset, string problem, string proof) => new(
        $"{_path}, offset {offset}: {problem}; {proof}, so this is no torn write but corruption: restore the member from a snapshot or its peers");
}
