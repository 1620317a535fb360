using Discovery.Store.Log;

namespace Discovery.Store.Tests.Log;

/// <summary>
/// Remembers every operation in order, so that a test can ask what a power cut after any of them could have left:
/// everything that was synced, and of the rest any sectors and any changes of names.
/// </summary>
internal sealed class TracedDisk : IDisk
{
    private readonly MemoryDisk _now;
    private readonly Dictionary<string, int> _files = new(StringComparer.Ordinal);
    private int _lastFile;

    public TracedDisk(MemoryDisk start)
    {
        _now = start;
        foreach (string path in start.Paths)
        {
            _files[path] = ++_lastFile;
        }

        Start = _files.ToDictionary(file => file.Key, file => (file.Value, start.Bytes(file.Key)));
    }

    public string Root => _now.Root;

    /// <summary>The files that were there at first, all of them durable.</summary>
    public Dictionary<string, (int File, byte[] Bytes)> Start { get; }

    /// <summary>What was done since.</summary>
    public List<DiskStep> Steps { get; } = [];

    public void CreateFolder(string path) => _now.CreateFolder(path);

    public IReadOnlyList<string> List(string folder) => _now.List(folder);

    public IDiskFile Create(string path)
    {
        _files[path] = ++_lastFile;
        Steps.Add(new DiskStep(StepKind.Create, _lastFile, path));
        return new TracedFile(this, _now.Create(path), _lastFile);
    }

    public IDiskFile Open(string path) => new TracedFile(this, _now.Open(path), _files[path]);

    public void Rename(string from, string to)
    {
        _now.Rename(from, to);
        _files.Remove(from, out int file);
        _files[to] = file;
        Steps.Add(new DiskStep(StepKind.Rename, file, from) { To = to });
    }

    public void Delete(string path)
    {
        _now.Delete(path);
        if (_files.Remove(path, out int file))
        {
            Steps.Add(new DiskStep(StepKind.Delete, file, path));
        }
    }

    public void SyncFolder(string path) => Steps.Add(new DiskStep(StepKind.SyncFolder, 0, path));

    public IDisposable Lock(string path) => _now.Lock(path);

    private sealed class TracedFile(TracedDisk disk, IDiskFile file, int id) : IDiskFile
    {
        public long Length => file.Length;

        public int Read(long offset, Span<byte> into) => file.Read(offset, into);

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            file.Write(offset, bytes);
            disk.Steps.Add(new DiskStep(StepKind.Write, id, "") { Offset = (int)offset, Bytes = bytes.ToArray() });
        }

        public void Sync()
        {
            file.Sync();
            disk.Steps.Add(new DiskStep(StepKind.Sync, id, ""));
        }

        public void Dispose() => file.Dispose();
    }
}

/// <summary>Kinds of what is done to a disk.</summary>
internal enum StepKind
{
    Create,
    Write,
    Sync,
    Rename,
    Delete,
    SyncFolder,
}

/// <summary>One thing that was done to a disk.</summary>
internal sealed record DiskStep(StepKind Kind, int File, string Path)
{
    public string To { get; init; } = "";

    public int Offset { get; init; }

    public byte[] Bytes { get; init; } = [];
}
