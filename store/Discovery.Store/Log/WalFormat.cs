using System.Buffers.Binary;
using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>Kinds of log records. The numbers are in every log: only ever extended.</summary>
internal enum WalRecordKind : byte
{
    /// <summary>Zeros, where nothing was written yet.</summary>
    None = 0,

    /// <summary>term, index, kind, payload.</summary>
    Entry = 1,

    /// <summary>term, vote (0 = none), commit.</summary>
    HardState = 2,

    /// <summary>The end of a batch: start of the batch, records in it, check.</summary>
    Commit = 3,
}

/// <summary>Who wrote a log.</summary>
internal readonly record struct WalIdentity(ulong ClusterId, ulong MemberId);

/// <summary>
/// The first 64 bytes of a segment. All numbers are little-endian: magic (8), version (4), header bytes (4), sequence
/// (8), cluster id (8), member id (8), base index (8), CRC at the end of the segment before (4), CRC of the 52 bytes
/// before it (4).
/// </summary>
/// <param name="Sequence">Counts segments from 0 without a gap.</param>
/// <param name="Identity">Whose log it is.</param>
/// <param name="BaseIndex">No entry of an earlier segment has a greater or equal index that still counts.</param>
/// <param name="PreviousCrc">Chains the segments.</param>
internal readonly record struct WalSegmentHeader(ulong Sequence, WalIdentity Identity, ulong BaseIndex, uint PreviousCrc)
{
    public const int Bytes = 64;
    public const uint Version = 1;

    private static ReadOnlySpan<byte> Magic => "DSCVWAL\n"u8;

    /// <summary>Names sort in the order of the segments.</summary>
    public string FileName => $"{Sequence:x16}-{BaseIndex:x16}.wal";

    /// <summary>Fills the header's bytes and returns their CRC, where the chain of records starts.</summary>
    public uint Write(Span<byte> into)
    {
        into[..Bytes].Clear();
        Magic.CopyTo(into);
        BinaryPrimitives.WriteUInt32LittleEndian(into[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(into[12..], Bytes);
        BinaryPrimitives.WriteUInt64LittleEndian(into[16..], Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(into[24..], Identity.ClusterId);
        BinaryPrimitives.WriteUInt64LittleEndian(into[32..], Identity.MemberId);
        BinaryPrimitives.WriteUInt64LittleEndian(into[40..], BaseIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(into[48..], PreviousCrc);
        uint crc = Crc32C.Compute(into[..52]);
        BinaryPrimitives.WriteUInt32LittleEndian(into[52..], crc);
        return crc;
    }

    public static WalSegmentHeader Read(string path, ReadOnlySpan<byte> bytes, out uint crc)
    {
        if (bytes.Length < Bytes || !bytes.StartsWith(Magic))
        {
            throw new StoreDataException($"{path}, offset 0: found no log of this store; move the file away if it is none of its data");
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (version != Version)
        {
            throw new StoreDataException($"{path} has format version {version}; this program reads {Version}: start the newer program that wrote it");
        }

        crc = BinaryPrimitives.ReadUInt32LittleEndian(bytes[52..]);
        uint wanted = Crc32C.Compute(bytes[..52]);
        if (crc != wanted)
        {
            throw new StoreDataException(
                $"{path}, offset 52: the header's CRC is {crc:x8}, its bytes have {wanted:x8}: the file is corrupt; restore the member from a snapshot or its peers");
        }

        var identity = new WalIdentity(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]), BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..]));
        return new WalSegmentHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]),
            identity,
            BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]),
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[48..]));
    }
}

/// <summary>
/// Builds one batch in memory: records, then its commit frame. A record is payload length (4), kind (1), zeros (3), CRC
/// of these 8 bytes and the payload chained with the CRC of the record before (4), payload, zeros up to 8 bytes.
/// </summary>
internal sealed class WalBatch
{
    public const int RecordHeaderBytes = 12;
    public const int CommitPayloadBytes = 16;
    private const int EntryHeaderBytes = 17;

    private byte[] _buffer = new byte[64 * 1024];
    private int _length;
    private int _records;

    /// <summary>CRC of the last record.</summary>
    public uint Crc { get; private set; }

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>An empty batch that continues the chain.</summary>
    public void Start(uint crc)
    {
        (_length, _records, Crc) = (0, 0, crc);

        // One huge batch must not be remembered for ever.
        if (_buffer.Length > 2 * Limits.BatchBytesMax)
        {
            _buffer = new byte[64 * 1024];
        }
    }

    public void Add(in HardState state)
    {
        Span<byte> payload = Reserve(24);
        BinaryPrimitives.WriteUInt64LittleEndian(payload, state.Term);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[8..], state.VotedFor?.Value ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[16..], state.Commit);
        Close(WalRecordKind.HardState, 24);
    }

    public void Add(in Entry entry)
    {
        int length = EntryHeaderBytes + entry.Payload.Length;
        Span<byte> payload = Reserve(length);
        BinaryPrimitives.WriteUInt64LittleEndian(payload, entry.Id.Term);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[8..], entry.Id.Index);
        payload[16] = (byte)entry.Kind;
        entry.Payload.Span.CopyTo(payload[EntryHeaderBytes..]);
        Close(WalRecordKind.Entry, length);
    }

    /// <summary>Ends the batch that is to be written at the offset of the segment.</summary>
    public void Commit(ulong sequence, long offset)
    {
        Span<byte> payload = Reserve(CommitPayloadBytes);
        WriteCommit(payload, sequence, offset, _records, offset + _length);
        Close(WalRecordKind.Commit, CommitPayloadBytes);
    }

    /// <summary>
    /// A commit frame can be told from chance without the records before it: its check covers where it stands. That is
    /// how a reader that met a bad record knows whether something acknowledged follows.
    /// </summary>
    public static void WriteCommit(Span<byte> payload, ulong sequence, long batchStart, int records, long frameOffset)
    {
        Span<byte> place = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(payload, batchStart);
        BinaryPrimitives.WriteInt32LittleEndian(payload[8..], records);
        BinaryPrimitives.WriteUInt64LittleEndian(place, sequence);
        BinaryPrimitives.WriteInt64LittleEndian(place[8..], frameOffset);
        BinaryPrimitives.WriteUInt32LittleEndian(payload[12..], Crc32C.Compute(place, Crc32C.Compute(payload[..12])));
    }

    public static int PaddedBytes(int payloadBytes) => (RecordHeaderBytes + payloadBytes + 7) & ~7;

    public static HardState ReadHardState(ReadOnlySpan<byte> payload)
    {
        ulong vote = BinaryPrimitives.ReadUInt64LittleEndian(payload[8..]);
        return new HardState(
            BinaryPrimitives.ReadUInt64LittleEndian(payload),
            vote == 0 ? null : new NodeId(vote),
            BinaryPrimitives.ReadUInt64LittleEndian(payload[16..]));
    }

    public static Entry ReadEntry(ReadOnlySpan<byte> payload) => new(
        new EntryId(BinaryPrimitives.ReadUInt64LittleEndian(payload), BinaryPrimitives.ReadUInt64LittleEndian(payload[8..])),
        (EntryKind)payload[16],
        payload[EntryHeaderBytes..].ToArray());

    private Span<byte> Reserve(int payloadBytes)
    {
        int needed = _length + PaddedBytes(payloadBytes);
        if (needed > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(needed, _buffer.Length * 2));
        }

        Span<byte> record = _buffer.AsSpan(_length, PaddedBytes(payloadBytes));
        record.Clear();
        return record.Slice(RecordHeaderBytes, payloadBytes);
    }

    private void Close(WalRecordKind kind, int payloadBytes)
    {
        Span<byte> record = _buffer.AsSpan(_length);
        BinaryPrimitives.WriteInt32LittleEndian(record, payloadBytes);
        record[4] = (byte)kind;
        uint crc = Crc32C.Compute(record[..8], Crc);
        Crc = Crc32C.Compute(record.Slice(RecordHeaderBytes, payloadBytes), crc);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], Crc);
        _length += PaddedBytes(payloadBytes);
        _records++;
    }
}
