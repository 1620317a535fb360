using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>
/// The write-ahead log: segments of records, each chained to the one before by CRC. A batch is one write and one sync,
/// and it counts from its commit frame on. Owned by one thread, except <see cref="PrepareSpare"/>.
/// </summary>
internal sealed class Wal : IDisposable
{
    public const string Folder = "member/wal";
    private const string SparePath = Folder + "/spare.tmp";

    private readonly IDisk _disk;
    private readonly int _segmentBytes;
    private readonly WalBatch _batch = new();
    private readonly List<WalSegmentHeader> _segments = [];
    private IDiskFile _file;
    private IDiskFile? _spare;
    private long _offset;
    private uint _crc;
    private ulong _lastIndex;
    private HardState _state;
    private bool _failed;

    private Wal(IDisk disk, int segmentBytes, WalIdentity identity, IDiskFile file)
    {
        _disk = disk;
        _segmentBytes = segmentBytes;
        Identity = identity;
        _file = file;
    }

    public WalIdentity Identity { get; }

    /// <summary>Bytes of all segments on disk.</summary>
    public long DiskBytes { get; private set; }

    /// <summary>Bytes of batches since the log was opened; differences count.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Whether a log is there.</summary>
    public static bool Exists(IDisk disk) => SegmentNames(disk).Count > 0;

    /// <summary>Who wrote the log that is there.</summary>
    /// <exception cref="StoreDataException">The first segment is no segment.</exception>
    public static WalIdentity IdentityOf(IDisk disk)
    {
        string path = PathOf(SegmentNames(disk)[0]);
        Span<byte> header = stackalloc byte[WalSegmentHeader.Bytes];
        using IDiskFile file = disk.Open(path);
        int read = file.Read(0, header);
        return WalSegmentHeader.Read(Path.Combine(disk.Root, path), header[..read], out _).Identity;
    }

    /// <summary>Makes the first segment of a new member.</summary>
    public static Wal Create(IDisk disk, WalIdentity identity, int segmentBytes = Limits.SegmentBytes)
    {
        disk.CreateFolder(Folder);
        var header = new WalSegmentHeader(0, identity, 1, 0);
        IDiskFile file = NewSegment(disk, header, segmentBytes, null, out uint crc);
        var wal = new Wal(disk, segmentBytes, identity, file) { _offset = WalSegmentHeader.Bytes, _crc = crc };
        wal._segments.Add(header);
        wal.DiskBytes = segmentBytes;
        return wal;
    }

    /// <summary>Reads the log that is there and opens its end for writing.</summary>
    /// <param name="disk">The data directory.</param>
    /// <param name="snapshot">Where the state machine stands; entries up to it are not returned.</param>
    /// <param name="restored">What the member remembers.</param>
    /// <param name="repaired">What was cut off because a crash had torn it; null when nothing was.</param>
    /// <param name="segmentBytes">Size of segments made from now on.</param>
    /// <exception cref="StoreDataException">The log is foreign, newer or corrupt.</exception>
    public static Wal Open(
        IDisk disk, EntryId snapshot, out RestoredState restored, out string? repaired, int segmentBytes = Limits.SegmentBytes)
    {
        var replay = new WalReplay(disk, snapshot);
        WalSegmentReader last = replay.ReadAll();
        IDiskFile file = replay.RepairLast(out repaired);
        var wal = new Wal(disk, segmentBytes, last.Header.Identity, file)
        {
            _offset = last.End,
            _crc = last.Crc,
            _lastIndex = replay.LastIndex,
            _state = replay.State,
            DiskBytes = replay.DiskBytes,
        };
        wal._segments.AddRange(replay.Segments);
        restored = new RestoredState(replay.State, snapshot, Membership.None, replay.Entries);
        return wal;
    }

    /// <summary>
    /// Writes one batch and waits until it is on the disk. When it throws, the process must end: what the disk holds now
    /// is unknown, and a second attempt would be told lies (fsync marks failed pages clean).
    /// </summary>
    public void Write(HardState? state, IReadOnlyList<Entry> entries)
    {
        Invariant.Holds(!_failed);
        _failed = true;
        _state = state ?? _state;
        Encode(state, entries);
        if (_offset + _batch.Bytes.Length > _segmentBytes && _offset > WalSegmentHeader.Bytes)
        {
            Roll();

            // Every segment says the hard state again, so that the ones before can go.
            Encode(_state, entries);
        }

        _file.Write(_offset, _batch.Bytes);
        _file.Sync();
        _offset += _batch.Bytes.Length;
        BytesWritten += _batch.Bytes.Length;
        _crc = _batch.Crc;
        if (entries.Count > 0)
        {
            _lastIndex = entries[^1].Id.Index;
        }

        _failed = false;
    }

    /// <summary>Removes the segments that hold nothing after the index.</summary>
    public void DropBefore(ulong index)
    {
        while (_segments.Count > 1 && _segments[1].BaseIndex <= index + 1)
        {
            _disk.Delete(PathOf(_segments[0].FileName));
            _segments.RemoveAt(0);
            DiskBytes -= _segmentBytes;
        }

        _disk.SyncFolder(Folder);
    }

    /// <summary>Fills the next segment with zeros ahead of its use; may run on any one thread beside the owner's.</summary>
    public void PrepareSpare()
    {
        if (Volatile.Read(ref _spare) is null)
        {
            Volatile.Write(ref _spare, ZeroFilled(_disk, SparePath, _segmentBytes));
        }
    }

    /// <summary>Whether <see cref="PrepareSpare"/> has something to do.</summary>
    public bool NeedsSpare => Volatile.Read(ref _spare) is null;

    public void Dispose()
    {
        _file.Dispose();
        _spare?.Dispose();
    }

    internal static IReadOnlyList<string> SegmentNames(IDisk disk) =>
        [.. disk.List(Folder).Where(static name => name.EndsWith(".wal", StringComparison.Ordinal))];

    internal static string PathOf(string name) => $"{Folder}/{name}";

    private void Encode(HardState? state, IReadOnlyList<Entry> entries)
    {
        _batch.Start(_crc);
        if (state is { } hard)
        {
            _batch.Add(hard);
        }

        foreach (Entry entry in entries)
        {
            _batch.Add(entry);
        }

        _batch.Commit(_segments[^1].Sequence, _offset);
    }

    private void Roll()
    {
        var header = new WalSegmentHeader(_segments[^1].Sequence + 1, Identity, _lastIndex + 1, _crc);
        IDiskFile next = NewSegment(_disk, header, _segmentBytes, Interlocked.Exchange(ref _spare, null), out _crc);
        _file.Dispose();
        _file = next;
        _offset = WalSegmentHeader.Bytes;
        _segments.Add(header);
        DiskBytes += _segmentBytes;
    }

    private static IDiskFile NewSegment(IDisk disk, WalSegmentHeader header, int bytes, IDiskFile? spare, out uint crc)
    {
        string temporary = spare is null ? $"{Folder}/next.tmp" : SparePath;
        IDiskFile file = spare ?? ZeroFilled(disk, temporary, bytes);
        Span<byte> first = stackalloc byte[WalSegmentHeader.Bytes];
        crc = header.Write(first);
        file.Write(0, first);
        file.Sync();
        disk.Rename(temporary, PathOf(header.FileName));
        disk.SyncFolder(Folder);
        return file;
    }

    private static IDiskFile ZeroFilled(IDisk disk, string path, int bytes)
    {
        IDiskFile file = disk.Create(path);
        byte[] zeros = new byte[Math.Min(bytes, 1024 * 1024)];
        for (int at = 0; at < bytes; at += zeros.Length)
        {
            file.Write(at, zeros.AsSpan(0, Math.Min(zeros.Length, bytes - at)));
        }

        file.Sync();
        return file;
    }
}
