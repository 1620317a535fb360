using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>Reads all segments in order and says what a member remembers.</summary>
internal sealed class WalReplay(IDisk disk, EntryId snapshot)
{
    private readonly WalContent _content = new(snapshot);
    private readonly List<string> _notes = [];
    private byte[] _bytes = [];
    private WalSegmentReader? _last;

    /// <summary>Segments that count, in order.</summary>
    public List<WalSegment> Segments { get; } = [];

    /// <summary>Names of segments that a crash kept from being removed.</summary>
    public IReadOnlyList<string> Leftovers { get; private set; } = [];

    /// <summary>What was lost; null when everything that counts is there.</summary>
    public WalDamage? Damage => _content.Damage;

    /// <summary>The snapshot must be marked in the log before anything else is written.</summary>
    public bool NeedsMark => _content.NeedsMark;

    /// <summary>Where the log goes on.</summary>
    public (long Offset, uint Crc) End => (_last!.End, _last.Crc);

    public ulong LastIndex { get; private set; }

    /// <exception cref="StoreDataException">The log is foreign or newer, or nobody can say what the member voted.</exception>
    public RestoredState ReadAll()
    {
        IReadOnlyList<string> names = Wal.SegmentNames(disk);
        WalIdentity identity = Wal.IdentityOf(disk);
        int first = FirstThatCounts(names);
        Leftovers = [.. names.Take(first)];
        for (int i = first; i < names.Count; i++)
        {
            Read(names[i], identity, isLast: i == names.Count - 1);
        }

        if (!_content.IsStateKnown)
        {
            string problem = _content.Broken?.ToString() ?? $"{Describe(names[^1])}: found no batch, and no segment before it";
            throw new StoreDataException(
                $"{problem}: this is corruption of what was written last, so nobody can say what this member voted: "
                + "remove it from the cluster, delete its data directory and add it again (or restore it from a backup when it is the only one)");
        }

        RestoredState restored = _content.Finish();
        LastIndex = restored.Entries is [.., var last] ? last.Id.Index : snapshot.Index;
        _notes.AddRange(_content.Mended.Select(static problem => $"{problem}; the snapshot holds what stood there"));
        return restored;
    }

    /// <summary>
    /// Opens the last segment without what a crash has torn (which is kept beside it), and writes again what was read:
    /// after a failed fsync the system's cache may show bytes that are not on the disk.
    /// </summary>
    public IDiskFile RepairLast(out string? repaired)
    {
        string path = Wal.PathOf(Segments[^1].Header.FileName);
        int end = (int)_last!.End;
        bool isTorn = _last.Torn is not null;
        if (isTorn)
        {
            string broken = path + ".broken";
            Span<byte> tail = _bytes.AsSpan(end);
            using IDiskFile copy = disk.Create(broken);
            copy.Write(0, tail[..(tail.LastIndexOfAnyExcept((byte)0) + 1)]);
            copy.Sync();
            disk.SyncFolder(Wal.Folder);
            _notes.Add($"{_last.Torn}; never acknowledged, cut off at {end} and kept in {Path.GetFileName(broken)}");
            tail.Clear();
        }

        repaired = _notes.Count > 0 ? string.Join("; ", _notes) : null;
        IDiskFile file = disk.Open(path);
        file.Write(0, isTorn ? _bytes : _bytes.AsSpan(0, end));
        file.Sync();
        disk.SyncFolder(Wal.Folder);
        return file;
    }

    /// <summary>
    /// Removals of segments that are no longer needed may reach the disk in any order: a gap before those that reach
    /// back to the snapshot loses nothing.
    /// </summary>
    private int FirstThatCounts(IReadOnlyList<string> names)
    {
        int first = names.Count - 1;
        while (first > 0 && Place(names[first - 1]).Sequence + 1 == Place(names[first]).Sequence)
        {
            first--;
        }

        return Place(names[first]).BaseIndex <= snapshot.Index + 1 ? first : 0;
    }

    private void Read(string name, WalIdentity identity, bool isLast)
    {
        int unreadableEnd;
        using (IDiskFile file = disk.Open(Wal.PathOf(name)))
        {
            _bytes = _bytes.Length == file.Length ? _bytes : new byte[file.Length];
            unreadableEnd = file.ReadWhatCanBeRead(_bytes);
        }

        string path = Describe(name);
        (ulong sequence, ulong baseIndex) = Place(name);
        WalSegmentHeader? found = WalSegmentHeader.Read(path, _bytes, out uint crc, out FileProblem? problem);
        var header = found ?? new WalSegmentHeader(sequence, identity, baseIndex, _last?.Crc ?? 0);
        Begin(path, header);
        if (header.FileName != name)
        {
            throw new StoreDataException($"{path}: found the segment {header.FileName} in it; give it its name back");
        }

        if (header.Identity != identity)
        {
            throw new StoreDataException($"{path}: found the log of member {header.Identity}, wanted {identity}");
        }

        if (found is null)
        {
            _bytes = _bytes.Length < WalSegmentHeader.Bytes ? new byte[WalSegmentHeader.Bytes] : _bytes;
            crc = header.Write(_bytes);
        }

        var reader = new WalSegmentReader(path, sequence, _bytes, crc, isLast) { UnreadableEnd = unreadableEnd };
        if (problem is not null && reader.GoesOnWhole)
        {
            // Nothing is lost: what the header must have said fits the records behind it.
            _notes.Add($"{problem}; made again from what surrounds it");
        }
        else if (problem is not null)
        {
            _content.Break(problem);
        }

        reader.ReadInto(_content);
        _notes.AddRange(reader.MendedFrames.Select(static frame => $"{frame}; made again from what surrounds it"));
        Segments.Add(new WalSegment(header, _bytes.Length));
        _last = reader;
    }

    /// <summary>Looks whether a segment continues those before it, or the snapshot.</summary>
    private void Begin(string path, in WalSegmentHeader header)
    {
        if (_last is null)
        {
            _content.Begin(header.BaseIndex, isFirst: header.Sequence == 0);
            if (header.BaseIndex > snapshot.Index + 1)
            {
                _content.Break(new FileProblem(
                    path, 0, $"the log's beginning at entry {header.BaseIndex}", $"{snapshot.Index + 1}, after the newest usable snapshot: segments are missing"));
            }

            return;
        }

        WalSegmentHeader before = Segments[^1].Header;
        if (header.Sequence != before.Sequence + 1)
        {
            _content.Break(new FileProblem(path, 0, $"segment {header.Sequence}", $"{before.Sequence + 1}: a segment is missing"));
        }
        else if (header.PreviousCrc != _last.Crc)
        {
            _content.Break(new FileProblem(
                Describe(before.FileName), _last.End, $"the segment's end with CRC {_last.Crc:x8}", $"{header.PreviousCrc:x8}, as the next segment says"));
        }
    }

    private (ulong Sequence, ulong BaseIndex) Place(string name) => WalSegmentHeader.Parse(name)
        ?? throw new StoreDataException($"{Describe(name)}: found no segment's name; move the file away if it is none of its data");

    private string Describe(string name) => Path.Combine(disk.Root, Wal.Folder, name);
}
