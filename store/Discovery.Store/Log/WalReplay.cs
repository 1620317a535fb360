using Discovery.Raft;

namespace Discovery.Store.Log;

/// <summary>Reads all segments in order and says what a member remembers.</summary>
internal sealed class WalReplay(IDisk disk, EntryId snapshot)
{
    private byte[] _lastBytes = [];
    private WalSegmentReader? _last;

    public List<WalSegmentHeader> Segments { get; } = [];

    public List<Entry> Entries { get; } = [];

    public HardState State { get; private set; }

    public ulong LastIndex { get; private set; } = snapshot.Index;

    public long DiskBytes { get; private set; }

    public WalSegmentReader ReadAll()
    {
        IReadOnlyList<string> names = Wal.SegmentNames(disk);
        for (int i = 0; i < names.Count; i++)
        {
            ReadSegment(names[i], isLast: i == names.Count - 1);
        }

        return _last ?? throw new StoreDataException($"{Describe("")}: found no log segment");
    }

    /// <summary>
    /// Opens the last segment without what a crash has torn (a copy is kept beside it), and writes again what was read:
    /// after a failed fsync the system's cache may show bytes that are not on the disk.
    /// </summary>
    public IDiskFile RepairLast(out string? repaired)
    {
        WalSegmentReader last = _last!;
        string path = Wal.PathOf(last.Header.FileName);
        repaired = null;
        if (last.Torn is not null)
        {
            string broken = path + ".broken";
            using IDiskFile copy = disk.Create(broken);
            copy.Write(0, _lastBytes);
            copy.Sync();
            disk.SyncFolder(Wal.Folder);
            repaired = $"{Describe(last.Header.FileName)}, {last.Torn}; cut off at {last.End}, copy kept in {Path.GetFileName(broken)}";
            _lastBytes.AsSpan((int)last.End).Clear();
        }

        IDiskFile file = disk.Open(path);
        file.Write(0, last.Torn is null ? _lastBytes.AsSpan(0, (int)last.End) : _lastBytes);
        file.Sync();
        return file;
    }

    private void ReadSegment(string name, bool isLast)
    {
        using (IDiskFile file = disk.Open(Wal.PathOf(name)))
        {
            _lastBytes = new byte[file.Length];
            file.Read(0, _lastBytes);
        }

        var reader = new WalSegmentReader(Describe(name), _lastBytes);
        CheckFollows(name, reader.Header);
        reader.Read(isLast, state => State = state, Take);
        Segments.Add(reader.Header);
        DiskBytes += _lastBytes.Length;
        _last = reader;
    }

    private void CheckFollows(string name, WalSegmentHeader header)
    {
        if (name != header.FileName)
        {
            throw new StoreDataException($"{Describe(name)}: found the segment {header.FileName} in it; give it its name back");
        }

        if (_last is null)
        {
            if (header.BaseIndex > snapshot.Index + 1)
            {
                throw new StoreDataException(
                    $"{Describe(name)}: the log begins at index {header.BaseIndex}, wanted {snapshot.Index + 1} (after the snapshot): segments are missing");
            }

            return;
        }

        if (header.Identity != _last.Header.Identity)
        {
            throw new StoreDataException($"{Describe(name)}: found the log of member {header.Identity}, wanted {_last.Header.Identity}");
        }

        if (header.Sequence != _last.Header.Sequence + 1 || header.PreviousCrc != _last.Crc)
        {
            throw new StoreDataException(
                $"{Describe(name)}: found segment {header.Sequence} after CRC {header.PreviousCrc:x8}, wanted {_last.Header.Sequence + 1} after {_last.Crc:x8}: a segment is missing or damaged");
        }
    }

    private void Take(Entry entry)
    {
        ulong index = entry.Id.Index;
        if (index <= snapshot.Index)
        {
            return;
        }

        if (index > LastIndex + 1)
        {
            throw new StoreDataException($"{Describe(Wal.Folder)}: found entry {index}, wanted {LastIndex + 1}: entries are missing");
        }

        // A leader may overwrite what was never committed: the later record counts.
        Entries.RemoveRange((int)(index - snapshot.Index - 1), (int)(LastIndex + 1 - index));
        Entries.Add(entry);
        LastIndex = index;
    }

    private string Describe(string name) => Path.Combine(disk.Root, Wal.Folder, name);
}
