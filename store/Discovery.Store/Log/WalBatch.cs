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

    /// <summary>term, vote (0 = none), commit; since format 2 also flags (1 byte; 1 = recovering). First in its batch.</summary>
    HardState = 2,

    /// <summary>The end of a batch: start of the batch, records in it, check.</summary>
    Commit = 3,

    /// <summary>term, index: what the log held before is replaced by the state that stands at this entry. Since format 2.</summary>
    SnapshotMark = 4,
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
    private const int FirstHardStateBytes = 24;
    private const int HardStateBytes = 25;
    private const int SnapshotMarkBytes = 16;
    private const byte RecoveringFlag = 1;

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
        Span<byte> payload = Reserve(HardStateBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(payload, state.Term);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[8..], state.VotedFor?.Value ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[16..], state.Commit);
        payload[24] = state.IsRecovering ? RecoveringFlag : (byte)0;
        Close(WalRecordKind.HardState, HardStateBytes);
    }

    public void Add(in Entry entry)
    {
        int length = EntryHeaderBytes + entry.Payload.Length;
        Span<byte> payload = Reserve(length);
        Write(payload, entry.Id);
        payload[16] = (byte)entry.Kind;
        entry.Payload.Span.CopyTo(payload[EntryHeaderBytes..]);
        Close(WalRecordKind.Entry, length);
    }

    /// <summary>The log starts anew after the entry that a snapshot stands at.</summary>
    public void AddSnapshotMark(EntryId at)
    {
        Write(Reserve(SnapshotMarkBytes), at);
        Close(WalRecordKind.SnapshotMark, SnapshotMarkBytes);
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

    /// <summary>Whether this program knows what such a record says.</summary>
    public static bool IsWellFormed(WalRecordKind kind, ReadOnlySpan<byte> payload) => kind switch
    {
        WalRecordKind.Entry => payload.Length >= EntryHeaderBytes,
        WalRecordKind.HardState => payload.Length == FirstHardStateBytes
            || (payload.Length == HardStateBytes && payload[24] <= RecoveringFlag),
        WalRecordKind.Commit => payload.Length == CommitPayloadBytes,
        WalRecordKind.SnapshotMark => payload.Length == SnapshotMarkBytes,
        _ => false,
    };

    public static HardState ReadHardState(ReadOnlySpan<byte> payload)
    {
        ulong vote = BinaryPrimitives.ReadUInt64LittleEndian(payload[8..]);
        return new HardState(
            BinaryPrimitives.ReadUInt64LittleEndian(payload),
            vote == 0 ? null : new NodeId(vote),
            BinaryPrimitives.ReadUInt64LittleEndian(payload[16..]),
            payload.Length == HardStateBytes && payload[24] == RecoveringFlag);
    }

    public static Entry ReadEntry(ReadOnlySpan<byte> payload) =>
        new(ReadId(payload), (EntryKind)payload[16], payload[EntryHeaderBytes..].ToArray());

    /// <summary>The id that an entry and a snapshot's mark begin with.</summary>
    public static EntryId ReadId(ReadOnlySpan<byte> payload) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(payload), BinaryPrimitives.ReadUInt64LittleEndian(payload[8..]));

    private static void Write(Span<byte> payload, EntryId id)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(payload, id.Term);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[8..], id.Index);
    }

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
