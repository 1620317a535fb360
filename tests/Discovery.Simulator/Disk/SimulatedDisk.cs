using Discovery.Simulator.Time;
using Discovery.Store;
using Discovery.Store.Log;

namespace Discovery.Simulator.Disk;

/// <summary>
/// The disk of one machine. It survives the processes that use it: a process that is killed leaves what the system's
/// cache holds, a power cut only what was synced, and of the rest what chance wants.
/// </summary>
internal sealed class SimulatedDisk(string root, Chance chance) : IDisk
{
    private FolderNames _names = new();
    private int _mounts;
    private bool _isLocked;

    public string Root => root;

    public DiskFaults Faults { get; } = new(chance);

    /// <summary>Operations since the simulation began.</summary>
    public long Operations { get; private set; }

    /// <summary>Syncs since the simulation began.</summary>
    public long Syncs { get; private set; }

    /// <summary>Whether anything was ever written.</summary>
    public bool IsEmpty => !_names.All.Any();

    /// <summary>The process is gone; what the cache holds stays.</summary>
    public void EndProcess()
    {
        _mounts++;
        _isLocked = false;
        Faults.CrashAfter(0);
    }

    /// <summary>The process is gone, and with it all that only the cache held.</summary>
    public void LosePower()
    {
        EndProcess();
        _names.LosePower(chance);
    }

    /// <summary>A new disk is put in.</summary>
    public void Wipe()
    {
        EndProcess();
        _names = new FolderNames();
        Faults.Clear();
    }

    /// <summary>A bit of a file changes; false when no file's name fits or nothing is in it.</summary>
    /// <param name="fits">Which files; one of them is chosen.</param>
    public string? FlipBit(Func<string, bool> fits)
    {
        KeyValuePair<string, FileContent>[] candidates = [.. _names.All.Where(file => fits(file.Key))];
        if (candidates.Length == 0)
        {
            return null;
        }

        KeyValuePair<string, FileContent> chosen = chance.Pick(candidates);
        return chosen.Value.FlipBit(chance) ? chosen.Key : null;
    }

    public void CreateFolder(string path)
    {
        // Folders are where files are; the store makes its own durable before it writes.
    }

    public IReadOnlyList<string> List(string folder)
    {
        Meet(DiskOperation.Read, folder);
        return _names.In(folder);
    }

    public IDiskFile Create(string path)
    {
        Meet(DiskOperation.Grow, path);
        var content = new FileContent();
        _names.Set(path, content);
        return new SimulatedFile(this, path, content);
    }

    public IDiskFile Open(string path)
    {
        Meet(DiskOperation.Read, path);
        return _names.Find(path) is { } content
            ? new SimulatedFile(this, path, content)
            : throw new FileNotFoundException($"no such file: {root}/{path}");
    }

    public void Rename(string from, string to)
    {
        Meet(DiskOperation.Name, from);
        _names.Rename(from, to);
    }

    public void Delete(string path)
    {
        Meet(DiskOperation.Name, path);
        _names.Remove(path);
    }

    public void SyncFolder(string path)
    {
        Meet(DiskOperation.SyncFolder, path);
        _names.Sync(path);
    }

    public IDisposable Lock(string path)
    {
        if (_isLocked)
        {
            throw new StoreDataException($"--data-dir {root} cannot be locked");
        }

        _isLocked = true;
        return new Held(this, _mounts);
    }

    private void Meet(DiskOperation operation, string path)
    {
        Operations++;
        Faults.Meet(operation, path);
    }

    private sealed class Held(SimulatedDisk disk, int mount) : IDisposable
    {
        public void Dispose() => disk._isLocked &= disk._mounts != mount;
    }

    private sealed class SimulatedFile(SimulatedDisk disk, string path, FileContent content) : IDiskFile
    {
        private readonly int _mount = disk._mounts;

        public long Length => content.Length;

        public int Read(long offset, Span<byte> into)
        {
            Meet(DiskOperation.Read);
            return content.IsUnreadable ? throw new DiskFaultException("Input/output error", path) : content.Read(offset, into);
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            try
            {
                Meet(offset + bytes.Length > content.Length ? DiskOperation.Grow : DiskOperation.Write);
            }
            catch (Exception e) when (e is DiskFaultException or SimulatedCrashException && _mount == disk._mounts)
            {
                // The system writes pages; whole sectors are the least that anybody writes.
                long end = (offset + disk.Faults.Chance.Between(0, bytes.Length)) / DiskLimits.SectorBytes * DiskLimits.SectorBytes;
                content.Write(offset, bytes[..(int)Math.Max(0, end - offset)]);
                throw;
            }

            content.Write(offset, bytes);
        }

        public void Sync()
        {
            disk.Syncs++;
            try
            {
                Meet(DiskOperation.Sync);
            }
            catch (DiskFaultException)
            {
                content.FailSync(disk.Faults.Chance);
                throw;
            }

            content.Sync();
        }

        public void Dispose()
        {
            // The content is the disk's.
        }

        private void Meet(DiskOperation operation)
        {
            if (_mount != disk._mounts)
            {
                throw new SimulatedCrashException($"{operation} of {path} after the process had ended");
            }

            disk.Meet(operation, path);
        }
    }
}
