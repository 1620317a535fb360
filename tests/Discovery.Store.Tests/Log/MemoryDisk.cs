using Discovery.Store.Log;

namespace Discovery.Store.Tests.Log;

/// <summary>
/// Files in memory that know what a power cut would leave: what was synced. Counts syncs and fails on demand. A sync of
/// the log can be held back, to look at the store in the middle of it.
/// </summary>
internal sealed class MemoryDisk : IDisk
{
    private readonly object _gate = new();
    private readonly SortedDictionary<string, MemoryFile> _files = new(StringComparer.Ordinal);

    public string Root => "memory";

    /// <summary>Syncs of log segments.</summary>
    public int LogSyncs { get; private set; }

    /// <summary>What the next write or sync of the log throws.</summary>
    public IOException? Failure { get; set; }

    /// <summary>When set, a sync of the log waits for it.</summary>
    public ManualResetEventSlim? Hold { get; set; }

    /// <summary>A byte of a file that the disk does not give back.</summary>
    public (string Path, long Offset)? Unreadable { get; set; }

    /// <summary>Called with each operation that changes something, and its path, before it is done; may throw.</summary>
    public Action<string, string>? Meet { get; set; }

    public IEnumerable<string> Paths
    {
        get
        {
            lock (_gate)
            {
                return [.. _files.Keys];
            }
        }
    }

    /// <summary>What is there now, or what a power cut at this moment would leave.</summary>
    public MemoryDisk Copy(bool syncedOnly)
    {
        var copy = new MemoryDisk();
        lock (_gate)
        {
            foreach ((string path, MemoryFile file) in _files)
            {
                copy._files[path] = new MemoryFile(copy, path, syncedOnly ? file.Synced : file.Bytes);
            }
        }

        return copy;
    }

    public byte[] Bytes(string path)
    {
        lock (_gate)
        {
            return [.. _files[path].Bytes];
        }
    }

    public void SetBytes(string path, byte[] bytes)
    {
        lock (_gate)
        {
            _files[path] = new MemoryFile(this, path, bytes);
        }
    }

    public void CreateFolder(string path)
    {
        // Folders are where files are.
    }

    public IReadOnlyList<string> List(string folder) =>
        [.. Paths.Where(path => Path.GetDirectoryName(path) == folder).Select(path => Path.GetFileName(path))];

    public IDiskFile Create(string path)
    {
        Meet?.Invoke("create", path);
        SetBytes(path, []);
        return Open(path);
    }

    public IDiskFile Open(string path)
    {
        lock (_gate)
        {
            return _files[path];
        }
    }

    public void Rename(string from, string to)
    {
        Meet?.Invoke("rename", from);
        lock (_gate)
        {
            _files.Remove(from, out MemoryFile? file);
            file!.Path = to;
            _files[to] = file;
        }
    }

    public void Delete(string path)
    {
        Meet?.Invoke("delete", path);
        lock (_gate)
        {
            _files.Remove(path);
        }
    }

    public void SyncFolder(string path)
    {
        // Names are durable at once here.
        Meet?.Invoke("sync folder", path);
    }

    public IDisposable Lock(string path) => new MemoryStream();

    private sealed class MemoryFile(MemoryDisk disk, string path, byte[] bytes) : IDiskFile
    {
        private bool _isDirty;

        public string Path { get; set; } = path;

        public byte[] Bytes { get; private set; } = [.. bytes];

        public byte[] Synced { get; private set; } = [.. bytes];

        public long Length => Bytes.Length;

        private bool IsLog => Path.EndsWith(".wal", StringComparison.Ordinal);

        public int Read(long offset, Span<byte> into)
        {
            if (disk.Unreadable is { } bad && bad.Path == Path && bad.Offset >= offset && bad.Offset < offset + into.Length)
            {
                throw new IOException("Input/output error");
            }

            lock (disk._gate)
            {
                int count = (int)Math.Clamp(Bytes.Length - offset, 0, into.Length);
                Bytes.AsSpan((int)offset, count).CopyTo(into);
                return count;
            }
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            disk.Meet?.Invoke(Length < offset + bytes.Length ? "grow" : "write", Path);
            lock (disk._gate)
            {
                if (Bytes.Length < offset + bytes.Length)
                {
                    byte[] longer = new byte[offset + bytes.Length];
                    Bytes.CopyTo(longer, 0);
                    Bytes = longer;
                }

                bytes.CopyTo(Bytes.AsSpan((int)offset));
                _isDirty = true;
            }
        }

        public void Sync()
        {
            disk.Meet?.Invoke("sync", Path);
            if (IsLog)
            {
                disk.Hold?.Wait();
                if (disk.Failure is not null)
                {
                    throw disk.Failure;
                }
            }

            lock (disk._gate)
            {
                disk.LogSyncs += IsLog ? 1 : 0;
                Synced = _isDirty ? [.. Bytes] : Synced;
                _isDirty = false;
            }
        }

        public void Dispose()
        {
            // The content stays with the disk.
        }
    }
}
