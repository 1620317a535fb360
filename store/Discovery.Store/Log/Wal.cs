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
    private const string NextPath = Folder + "/next.tmp";
    private const string RoomPath = Folder + "/room.tmp";

    private readonly IDisk _disk;
    private readonly int _segmentBytes;
    private readonly WalBatch _batch = new();
    private readonly List<WalSegment> _segments;
    private readonly Lock _preparing = new();
    private IDiskFile _file;
    private IDiskFile? _spare;
    private long _offset;
    private uint _crc;
    private ulong _lastIndex;
    private ulong _term;
#if MUTANTS
    private HardState _written;
#endif
    private bool _failed;
    private volatile bool _isDiskFull;

    private Wal(IDisk disk, int segmentBytes, List<WalSegment> segments, IDiskFile file, long offset, uint crc)
    {
        _disk = disk;
        _segmentBytes = segmentBytes;
        _segments = segments;
        _file = file;
        (_offset, _crc) = (offset, crc);
    }

    public WalIdentity Identity => _segments[^1].Header.Identity;

    /// <summary>Bytes of all segments on disk.</summary>
    public long DiskBytes => _segments.Sum(static segment => segment.Bytes);

    /// <summary>Bytes of batches since the log was opened; differences count.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Whether a log is there.</summary>
    public static bool Exists(IDisk disk) => SegmentNames(disk).Count > 0;

    /// <summary>Who wrote the log that is there.</summary>
    /// <exception cref="StoreDataException">No segment has a header that can be read, or one is newer than this program.</exception>
    public static WalIdentity IdentityOf(IDisk disk)
    {
        FileProblem? first = null;
        byte[] bytes = new byte[WalSegmentHeader.Bytes];
        foreach (string name in SegmentNames(disk))
        {
            using IDiskFile file = disk.Open(PathOf(name));
            Span<byte> header = bytes.AsSpan(0, (int)Math.Min(bytes.Length, file.Length));
            file.ReadWhatCanBeRead(header);
            if (WalSegmentHeader.Read(Path.Combine(disk.Root, PathOf(name)), header, out _, out FileProblem? problem) is { } found)
            {
                return found.Identity;
            }

            first ??= problem;
        }

        throw new StoreDataException($"{first}; no other segment tells whose log it is: restore the member from a backup, or move the file away if it is none of its data");
    }

    /// <summary>
    /// Makes the first segment of a new member. The batch, if any, is in it when it gets its name: there is no log that
    /// does not know how it began.
    /// </summary>
    public static Wal Create(IDisk disk, WalIdentity identity, PersistBatch? first = null, int segmentBytes = Limits.SegmentBytes)
    {
        disk.CreateFolder(Folder);
        return Begin(disk, segmentBytes, new WalSegmentHeader(0, identity, 1, 0), first is null ? [] : [first]);
    }

    /// <summary>Reads the log that is there and opens its end for writing.</summary>
    /// <param name="disk">The data directory.</param>
    /// <param name="snapshot">Where the state machine stands; entries up to it are not returned.</param>
    /// <param name="judge">
    /// Told of damage, with what is left, before anything on the disk is changed. It returns when the member's peers can
    /// heal it, and throws when there are none. Then what is left is written anew, with
    /// <see cref="HardState.IsRecovering"/>, and the old segments are kept as <c>.damaged</c>.
    /// </param>
    /// <param name="restored">What the member remembers.</param>
    /// <param name="repaired">What was found wrong, and nothing acknowledged is missing; null when nothing was.</param>
    /// <param name="segmentBytes">Size of segments made from now on.</param>
    /// <exception cref="StoreDataException">The log is foreign or newer, or nobody can say what the member voted.</exception>
    public static Wal Open(
        IDisk disk,
        EntryId snapshot,
        Action<WalDamage, RestoredState> judge,
        out RestoredState restored,
        out string? repaired,
        int segmentBytes = Limits.SegmentBytes)
    {
        foreach (string temporary in new[] { NextPath, RoomPath })
        {
            disk.Delete(temporary);
        }

        var replay = new WalReplay(disk, snapshot);
        restored = replay.ReadAll();
        Wal wal;
        if (replay.Damage is { } damage)
        {
            judge(damage, restored);
            repaired = null;
            wal = WriteAnew(disk, segmentBytes, replay, restored);
        }
        else
        {
            IDiskFile file = replay.RepairLast(out repaired);
            wal = new Wal(disk, segmentBytes, replay.Segments, file, replay.End.Offset, replay.End.Crc)
            {
                _lastIndex = replay.LastIndex,
                _term = restored.HardState.Term,
            };
            foreach (string leftover in replay.Leftovers)
            {
                disk.Delete(PathOf(leftover));
            }
        }

        if (replay.Damage is null && replay.NeedsMark)
        {
            wal.Write(new PersistBatch { HardState = restored.HardState, Snapshot = snapshot, Entries = [] });
        }

        return wal;
    }

    /// <summary>
    /// Writes one batch and waits until it is on the disk. When it throws, the process must end: what the disk holds now
    /// is unknown, and a second attempt would be told lies (fsync marks failed pages clean).
    /// </summary>
    public void Write(PersistBatch batch)
    {
        Invariant.Holds(!_failed);
        _failed = true;
        Invariant.Holds(batch.HardState.Term >= _term);
        Invariant.Holds(batch.Entries.Count == 0 || batch.Entries[0].Id.Index <= (batch.Snapshot?.Index ?? _lastIndex) + 1);
        PrepareSpareInTime();
        Encode(batch);
        if (_offset + _batch.Bytes.Length > _segmentBytes && _offset > WalSegmentHeader.Bytes)
        {
            Roll();
            Encode(batch);
        }

        Put(batch);
#if MUTANTS
        _failed = false;
        if (StoreMutant.BatchWithoutSync.IsPlanted())
        {
            return;
        }
#endif
        _file.Sync();
        _failed = false;
    }

    /// <summary>
    /// Removes the segments that hold nothing after the index: that of the oldest snapshot kept, once the log holds its
    /// entry or its mark.
    /// </summary>
    public void DropBefore(ulong index)
    {
        if (_offset == WalSegmentHeader.Bytes)
        {
            // The last segment holds no hard state yet.
            return;
        }

        while (_segments.Count > 1 && _segments[1].Header.BaseIndex <= index + 1)
        {
            _disk.Delete(PathOf(_segments[0].Header.FileName));
            _segments.RemoveAt(0);
        }

        _disk.SyncFolder(Folder);
    }

    /// <summary>Whether <see cref="PrepareSpare"/> has something to do.</summary>
    public bool NeedsSpare => Volatile.Read(ref _spare) is null;

    /// <summary>
    /// There was no room for the next segment: what is left of this one is the reserve, for deletions, compactions and
    /// what Raft must remember until the leader has handed over. Commands that grow the keyspace must be refused. It ends by
    /// itself when <see cref="PrepareSpare"/> finds room for two segments; when the reserve is used up, so is the process.
    /// </summary>
    public bool IsDiskFull => _isDiskFull;

    /// <summary>Fills the next segment with zeros ahead of its use; may run on any one thread beside the owner's.</summary>
    /// <exception cref="IOException">There is no room, or the disk fails: try again later.</exception>
    public void PrepareSpare()
    {
        lock (_preparing)
        {
            if (!NeedsSpare)
            {
                return;
            }

            try
            {
                if (_isDiskFull)
                {
                    // Room for one more than is needed, or it would be full again at once.
                    ZeroFilled(_disk, RoomPath, _segmentBytes).Dispose();
                    _disk.Delete(RoomPath);
                }

                Volatile.Write(ref _spare, ZeroFilled(_disk, SparePath, _segmentBytes));
                _isDiskFull = false;
            }
            catch (IOException)
            {
                _isDiskFull = true;
                throw;
            }
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        _spare?.Dispose();
    }

    internal static IReadOnlyList<string> SegmentNames(IDisk disk) =>
        [.. disk.List(Folder).Where(static name => name.EndsWith(".wal", StringComparison.Ordinal))];

    internal static string PathOf(string name) => $"{Folder}/{name}";

    /// <summary>
    /// What is left of a damaged log as one new segment that needs none of the old ones. Until it has its name the damage
    /// is still there to be found; from then on the log says that the member recovers.
    /// </summary>
    private static Wal WriteAnew(IDisk disk, int segmentBytes, WalReplay replay, RestoredState restored)
    {
        WalSegmentHeader old = replay.Segments[^1].Header;
        var header = new WalSegmentHeader(old.Sequence + 1, old.Identity, restored.Snapshot.Index + 1, replay.End.Crc);
        Wal wal = Begin(disk, segmentBytes, header, BatchesOf(restored));
        SetAside(disk, [.. replay.Leftovers, .. replay.Segments.Select(static segment => segment.Header.FileName)]);
        return wal;
    }

    private static IEnumerable<PersistBatch> BatchesOf(RestoredState restored)
    {
        var rest = new Queue<Entry>(restored.Entries);
        EntryId? mark = restored.Snapshot;
        do
        {
            var entries = new List<Entry>();
            for (long bytes = 0; rest.Count > 0 && bytes < Limits.BatchBytesMax; bytes += entries[^1].Payload.Length)
            {
                entries.Add(rest.Dequeue());
            }

            yield return new PersistBatch { HardState = restored.HardState, Snapshot = mark, Entries = entries };
            mark = null;
        }
        while (rest.Count > 0);
    }

    /// <summary>A log of one segment that has its name when all of it is durable.</summary>
    private static Wal Begin(IDisk disk, int segmentBytes, in WalSegmentHeader header, IEnumerable<PersistBatch> batches)
    {
        IDiskFile file = ZeroFilled(disk, NextPath, segmentBytes);
        byte[] first = new byte[WalSegmentHeader.Bytes];
        uint crc = header.Write(first);
        file.Write(0, first);
        var wal = new Wal(disk, segmentBytes, [new WalSegment(header, segmentBytes)], file, WalSegmentHeader.Bytes, crc);
        foreach (PersistBatch batch in batches)
        {
            wal.Encode(batch);
            wal.Put(batch);
        }

        file.Sync();
        disk.Rename(NextPath, PathOf(header.FileName));
        disk.SyncFolder(Folder);
        return wal;
    }

    /// <summary>Keeps what was found for whoever wants to look; what an earlier damage left goes.</summary>
    private static void SetAside(IDisk disk, IReadOnlyList<string> names)
    {
        foreach (string name in disk.List(Folder).Where(static name => name.EndsWith(".damaged", StringComparison.Ordinal)))
        {
            disk.Delete(PathOf(name));
        }

        foreach (string name in names)
        {
            disk.Rename(PathOf(name), PathOf(name) + ".damaged");
        }

        disk.SyncFolder(Folder);
    }

    /// <summary>
    /// Whoever prepares the next segment may be late, behind a snapshot. That there is no room for it must be known while
    /// half of this one is left.
    /// </summary>
    private void PrepareSpareInTime()
    {
        if (_offset > _segmentBytes / 2 && NeedsSpare && !_isDiskFull)
        {
            try
            {
                PrepareSpare();
            }
            catch (IOException)
            {
                // IsDiskFull tells it.
            }
        }
    }

    private void Encode(PersistBatch batch)
    {
        // The hard state is in every batch: whichever later one can be read tells it, should an earlier one be damaged.
        _batch.Start(_crc);
#if MUTANTS
        if (!StoreMutant.HardStateOnlyWhenChanged.IsPlanted() || _written != (batch.HardState with { Commit = 0 }))
        {
            _batch.Add(batch.HardState);
        }
#else
        _batch.Add(batch.HardState);
#endif
        if (batch.Snapshot is { } snapshot)
        {
            _batch.AddSnapshotMark(snapshot);
        }

        foreach (Entry entry in batch.Entries)
        {
            _batch.Add(entry);
        }

        _batch.Commit(_segments[^1].Header.Sequence, _offset);
    }

    private void Put(PersistBatch batch)
    {
        _file.Write(_offset, _batch.Bytes);
        _offset += _batch.Bytes.Length;
        BytesWritten += _batch.Bytes.Length;
        _crc = _batch.Crc;
        _segments[^1] = _segments[^1] with { Bytes = Math.Max(_segments[^1].Bytes, _offset) };
        _lastIndex = batch.Entries is [.., var last] ? last.Id.Index : batch.Snapshot?.Index ?? _lastIndex;
        _term = batch.HardState.Term;
#if MUTANTS
        _written = batch.HardState with { Commit = 0 };
#endif
    }

    private void Roll()
    {
        var header = new WalSegmentHeader(_segments[^1].Header.Sequence + 1, Identity, _lastIndex + 1, _crc);
        IDiskFile? spare = Volatile.Read(ref _spare);
        IDiskFile next = NewSegment(_disk, header, _segmentBytes, spare, out _crc);
        if (spare is not null)
        {
            // Not before it has its new name, or the next spare would be made in its place.
            Volatile.Write(ref _spare, null);
        }

        _file.Dispose();
        _file = next;
        _offset = WalSegmentHeader.Bytes;
        _segments.Add(new WalSegment(header, _segmentBytes));
    }

    private static IDiskFile NewSegment(IDisk disk, WalSegmentHeader header, int bytes, IDiskFile? spare, out uint crc)
    {
        string temporary = spare is null ? NextPath : SparePath;
        IDiskFile file = spare ?? ZeroFilled(disk, temporary, bytes);
        Span<byte> first = stackalloc byte[WalSegmentHeader.Bytes];
        crc = header.Write(first);
        file.Write(0, first);
        file.Sync();
        disk.Rename(temporary, PathOf(header.FileName));
#if MUTANTS
        if (StoreMutant.RenameWithoutFolderSync.IsPlanted())
        {
            return file;
        }
#endif
        disk.SyncFolder(Folder);
        return file;
    }

    private static IDiskFile ZeroFilled(IDisk disk, string path, int bytes)
    {
        // Zeros in place of a file that a former process left need no new room.
        bool isThere = disk.List(Folder).Contains(Path.GetFileName(path));
        IDiskFile file = isThere ? disk.Open(path) : disk.Create(path);
        try
        {
            byte[] zeros = new byte[Math.Min(bytes, 1024 * 1024)];
            for (long at = 0, end = Math.Max(bytes, file.Length); at < end; at += zeros.Length)
            {
                file.Write(at, zeros.AsSpan(0, (int)Math.Min(zeros.Length, end - at)));
            }

            file.Sync();
            return file;
        }
        catch (IOException)
        {
            // What little room there is must not be lost to a file that is of no use.
            file.Dispose();
            disk.Delete(path);
            throw;
        }
    }
}
