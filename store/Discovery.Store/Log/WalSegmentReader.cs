using System.Buffers.Binary;

namespace Discovery.Store.Log;

/// <summary>
/// Reads one segment, and judges what it cannot read. Bytes after the last whole batch of a log were never acknowledged
/// if they are a write that a crash cut off (torn). Everything else was: then the log is broken there, and reading goes
/// on behind the next commit frame, for what later batches still tell.
/// </summary>
internal sealed class WalSegmentReader(string path, ulong sequence, byte[] bytes, uint headerCrc, bool isLast)
{
    private const int SectorBytes = 512;
    private static readonly int FrameBytes = WalBatch.PaddedBytes(WalBatch.CommitPayloadBytes);

    private readonly List<(WalRecordKind Kind, Range Payload)> _batch = [];
    private int _offset = WalSegmentHeader.Bytes;
    private uint _crc = headerCrc;
    private int _end = WalSegmentHeader.Bytes;

    /// <summary>Where the last bytes end that the disk did not give back; 0 when it gave all.</summary>
    public int UnreadableEnd { private get; init; }

    /// <summary>Offset after the last whole batch.</summary>
    public long End => _end;

    /// <summary>CRC of the last commit frame, or of the header when there is none.</summary>
    public uint Crc { get; private set; } = headerCrc;

    /// <summary>What was found at <see cref="End"/> and was never acknowledged; null when the segment just ends there.</summary>
    public FileProblem? Torn { get; private set; }

    private ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Whether a whole record stands at <see cref="End"/>: then the CRC before it is the right one.</summary>
    public bool GoesOnWhole
    {
        get
        {
            bool isWhole = ReadRecord() is null;
            GoBackTo(_end, Crc);
            return isWhole;
        }
    }

    /// <summary>Frames that were changed and written again here, in memory: everything that they end is whole.</summary>
    public List<FileProblem> MendedFrames { get; } = [];

    /// <summary>Reads all whole batches.</summary>
    /// <exception cref="StoreDataException">It holds what only a newer program knows.</exception>
    public void ReadInto(WalContent content)
    {
        do
        {
            FileProblem problem = ReadBatches(content);
            if (!Bytes[_end..].ContainsAnyExcept((byte)0))
            {
                return;
            }

#if MUTANTS
            if (isLast && StoreMutant.TornTailTakenWhole.IsPlanted())
            {
                TakeBatch(content);
            }

            if (isLast && StoreMutant.TruncateOnCorruption.IsPlanted())
            {
                Torn = problem;
                return;
            }
#endif
            if (isLast && IsTorn(problem))
            {
                Torn = problem;
                return;
            }

            content.Break(problem);
            if (_batch.Count > 0 && _batch[0].Kind == WalRecordKind.HardState)
            {
                // It stands first, so it is verified though its batch is not.
                content.Take(WalBatch.ReadHardState(Bytes[_batch[0].Payload]));
            }
        }
        while (SkipToNextFrame(content));
    }

    private FileProblem ReadBatches(WalContent content)
    {
        FileProblem? problem;
        while ((problem = ReadRecord()) is null || MendFrame(problem))
        {
            if (problem is null && _batch[^1].Kind == WalRecordKind.Commit)
            {
                TakeBatch(content);
                _batch.Clear();
                (_end, Crc) = (_offset, _crc);
            }
        }

        return problem;
    }

    private void TakeBatch(WalContent content)
    {
        var place = new FileProblem(path, _end, "", "");
        foreach ((WalRecordKind kind, Range range) in _batch)
        {
            ReadOnlySpan<byte> payload = Bytes[range];
            switch (kind)
            {
                case WalRecordKind.Entry:
                    content.Take(WalBatch.ReadEntry(payload), place);
                    break;
                case WalRecordKind.HardState:
                    content.Take(WalBatch.ReadHardState(payload));
                    break;
                case WalRecordKind.SnapshotMark:
                    content.TakeMark(WalBatch.ReadId(payload), place);
                    break;
            }
        }

        content.EndBatch();
    }

    /// <summary>Reads one record into the batch; what is wrong, or null.</summary>
    private FileProblem? ReadRecord()
    {
        int left = Bytes.Length - _offset;
        if (left < WalBatch.RecordHeaderBytes)
        {
            return new FileProblem(path, _offset, "the end of the file", "a record");
        }

        ReadOnlySpan<byte> header = Bytes.Slice(_offset, WalBatch.RecordHeaderBytes);
        int length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length < 0 || length > left - WalBatch.RecordHeaderBytes)
        {
            return new FileProblem(path, _offset, $"a record length of {(uint)length}", $"at most the {left} bytes that are left");
        }

        var kind = (WalRecordKind)header[4];
        uint found = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        if (found == 0 && length == 0 && kind == WalRecordKind.None)
        {
            return new FileProblem(path, _offset, "zeros", "a record");
        }

        int start = _offset + WalBatch.RecordHeaderBytes;
        ReadOnlySpan<byte> payload = Bytes.Slice(start, length);
        uint wanted = ChainedCrc(_offset, length);
#if MUTANTS
        wanted = isLast && StoreMutant.TornTailTakenWhole.IsPlanted() ? found : wanted;
#endif
        if (found != wanted)
        {
            return new FileProblem(path, _offset, $"a record with CRC {found:x8}", $"{wanted:x8}");
        }

        if (!WalBatch.IsWellFormed(kind, payload))
        {
            // Its CRC is right, so it was written so: by a newer program.
            throw new StoreDataException(
                $"{path}, offset {_offset}: found a record of kind {(byte)kind} with {length} bytes, which this program does not know: start the newer program that wrote it");
        }

        _batch.Add((kind, start..(start + length)));
        _offset = Math.Min(_offset + WalBatch.PaddedBytes(length), Bytes.Length);
        _crc = wanted;
        return null;
    }

    private uint ChainedCrc(int offset, int length) => Crc32C.Compute(
        Bytes.Slice(offset + WalBatch.RecordHeaderBytes, length), Crc32C.Compute(Bytes.Slice(offset, 8), _crc));

    private bool IsTorn(FileProblem problem)
    {
        int from = (int)problem.Offset;
        if (UnreadableEnd > _end && bytes.AsSpan(from, Math.Min(WalBatch.RecordHeaderBytes, bytes.Length - from)).ContainsAnyExcept((byte)0))
        {
            // Something was written here, and the disk does not tell what: a crash leaves zeros, no errors.
            return false;
        }

        int? own = null;
        for (int at = from; NextFrame(at) is { } frame; at = frame.Offset + FrameBytes)
        {
            if (frame.BatchStart != _end)
            {
                // A later batch is committed, so this one was acknowledged.
                return false;
            }

            own = frame.Offset;
        }

        // A crash may write a batch's sectors in any order, but a sector that it did not write still has the zeros of a
        // fresh segment. That much must be missing to explain a batch that is committed and not whole.
        return own is { } committed ? HasUnwrittenSector(from, committed) : MayBeCutOff(from);
    }

    /// <summary>The next commit frame, with the start of the batch that it ends.</summary>
    private (int Offset, long BatchStart)? NextFrame(int from)
    {
        Span<byte> wanted = stackalloc byte[WalBatch.CommitPayloadBytes];
        for (int at = from; at <= Bytes.Length - FrameBytes; at += 8)
        {
            ReadOnlySpan<byte> record = Bytes.Slice(at, FrameBytes);
            if (BinaryPrimitives.ReadInt32LittleEndian(record) != WalBatch.CommitPayloadBytes || record[4] != (byte)WalRecordKind.Commit)
            {
                continue;
            }

            ReadOnlySpan<byte> payload = record.Slice(WalBatch.RecordHeaderBytes, WalBatch.CommitPayloadBytes);
            long batchStart = BinaryPrimitives.ReadInt64LittleEndian(payload);
            WalBatch.WriteCommit(wanted, sequence, batchStart, BinaryPrimitives.ReadInt32LittleEndian(payload[8..]), at);
            if (payload.SequenceEqual(wanted))
            {
                return (at, batchStart);
            }
        }

        return null;
    }

    /// <summary>Goes on behind the next commit frame: its own CRC tells how the chain goes on.</summary>
    private bool SkipToNextFrame(WalContent content)
    {
        if (NextFrame(_offset) is not { } frame)
        {
            return false;
        }

        if (frame.BatchStart != _end)
        {
            content.LoseState();
        }

        GoBackTo(frame.Offset + FrameBytes, BinaryPrimitives.ReadUInt32LittleEndian(Bytes[(frame.Offset + 8)..]));
        return true;
    }

    private void GoBackTo(int end, uint crc)
    {
        (_end, _offset) = (end, end);
        (Crc, _crc) = (crc, crc);
        _batch.Clear();
    }

    private bool HasUnwrittenSector(int from, int to)
    {
        int first = (from + SectorBytes - 1) / SectorBytes * SectorBytes;
        for (int at = first; at + SectorBytes <= to; at += SectorBytes)
        {
            if (!Bytes.Slice(at, SectorBytes).ContainsAnyExcept((byte)0))
            {
                return true;
            }
        }

        // The batch may begin in a sector that older batches share: then what is ours of it counts.
        return first > from && !Bytes[from..Math.Min(first, to)].ContainsAnyExcept((byte)0);
    }

    /// <summary>
    /// Writes the batch's frame again where it stands changed. All records before it are whole, so it is known what it
    /// must be, and one of its two checks is still right. If a crash cut it off and nothing was changed, the batch counts
    /// all the same: nobody relied on it, but all of it is there.
    /// </summary>
    private bool MendFrame(FileProblem problem)
    {
        int at = (int)problem.Offset;
        int length = WalBatch.RecordHeaderBytes + WalBatch.CommitPayloadBytes;
        if (_batch.Count == 0 || at + length > Bytes.Length)
        {
            return false;
        }

        Span<byte> wanted = stackalloc byte[length];
        BinaryPrimitives.WriteInt32LittleEndian(wanted, WalBatch.CommitPayloadBytes);
        wanted[4] = (byte)WalRecordKind.Commit;
        WalBatch.WriteCommit(wanted[WalBatch.RecordHeaderBytes..], sequence, _end, _batch.Count, at);
        BinaryPrimitives.WriteUInt32LittleEndian(
            wanted[8..], Crc32C.Compute(wanted[WalBatch.RecordHeaderBytes..], Crc32C.Compute(wanted[..8], _crc)));
        Span<byte> found = bytes.AsSpan(at, length);
        bool isFrame = found[8..12].SequenceEqual(wanted[8..12]) || found[^4..].SequenceEqual(wanted[^4..]);
        if (!isFrame)
        {
            return false;
        }

        MendedFrames.Add(problem);
        wanted.CopyTo(found);
        return true;
    }

    /// <summary>
    /// Whether a crash can have left the record here: each sector is as it was written or zeros from some byte on. A
    /// record that is wrong without any of it missing was changed.
    /// </summary>
    private bool MayBeCutOff(int at)
    {
        long length = Bytes.Length - at < WalBatch.RecordHeaderBytes ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(Bytes[at..]);
        long end = at + WalBatch.RecordHeaderBytes + length;
        if (end > Bytes.Length)
        {
            return true;
        }

        for (int sectorEnd = at / SectorBytes * SectorBytes; sectorEnd < end;)
        {
            sectorEnd = Math.Min(sectorEnd + SectorBytes, Bytes.Length);
            if (!Bytes[((int)Math.Min(end, sectorEnd) - 1)..sectorEnd].ContainsAnyExcept((byte)0))
            {
                return true;
            }
        }

        return false;
    }
}
