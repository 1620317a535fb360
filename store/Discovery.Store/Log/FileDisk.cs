using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Discovery.Store.Log;

/// <summary>A data directory on the machine's disk.</summary>
internal sealed partial class FileDisk : IDisk
{
    private const int OpenReadOnly = 0;

    /// <summary>SYNC_FILE_RANGE_WRITE: begin to write, wait for nothing.</summary>
    private const uint BeginWriting = 2;

    /// <summary>Bytes that are freed at once: about 1 ms of a disk that is told of it (ext4's discard).</summary>
    private const long FreedAtOnce = 1024 * 1024;

    /// <summary>Between two frees, so that syncs of the log get their turn: 100 MiB/s.</summary>
    private static readonly TimeSpan FreePause = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private Task _freeing = Task.CompletedTask;

    /// <summary>Opens or makes the directory.</summary>
    /// <exception cref="StoreDataException">It cannot be made or is not writable.</exception>
    public FileDisk(string root)
    {
        Root = root;
        try
        {
            CreateFolder("");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreDataException($"--data-dir {root} cannot be made: {e.Message}; give a directory that this user may write", e);
        }
    }

    public string Root { get; }

    public void CreateFolder(string path)
    {
        string full = Full(path);
        if (Directory.Exists(full))
        {
            return;
        }

        // etcd's mode: what is in it may be secret.
        _ = OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(full)
            : Directory.CreateDirectory(full, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        for (string? above = Path.GetDirectoryName(full); above is not null; above = Path.GetDirectoryName(above))
        {
            SyncFolderAt(above);
        }
    }

    public IReadOnlyList<string> List(string folder)
    {
        string full = Full(folder);
        if (!Directory.Exists(full))
        {
            return [];
        }

        string[] names = [.. Directory.EnumerateFiles(full).Select(static path => Path.GetFileName(path))];
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    public IDiskFile Create(string path) => new DiskFile(File.OpenHandle(Full(path), FileMode.Create, FileAccess.ReadWrite));

    public IDiskFile Open(string path) => new DiskFile(File.OpenHandle(Full(path), FileMode.Open, FileAccess.ReadWrite));

    public void Rename(string from, string to) => File.Move(Full(from), Full(to), overwrite: true);

    /// <summary>
    /// The name goes at once, the room of a large file bit by bit: freeing it holds the file system's journal, and every
    /// sync of the log waits for that (300 ms were measured for 256 MiB on ext4).
    /// </summary>
    public void Delete(string path)
    {
        string full = Full(path);
        SafeFileHandle? large = OpenLarge(full);
        File.Delete(full);
        if (large is not null)
        {
            lock (_gate)
            {
                _freeing = FreeAsync(_freeing, large);
            }
        }
    }

    public void SyncFolder(string path) => SyncFolderAt(Full(path));

    public IDisposable Lock(string path)
    {
        string full = Full(path);
        try
        {
            return File.OpenHandle(full, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new StoreDataException($"--data-dir {Root} is not writable: {e.Message}; give a directory that this user may write", e);
        }
        catch (IOException e)
        {
            throw new StoreDataException(
                $"--data-dir {Root} cannot be locked ({e.Message}); if another store runs on it, stop that one or give this one its own directory", e);
        }
    }

    private string Full(string path) => Path.GetFullPath(Path.Combine(Root, path));

    /// <summary>Null when it is small, or nobody can tell: then it is deleted at once.</summary>
    private static SafeFileHandle? OpenLarge(string full)
    {
        try
        {
            return File.Exists(full) && new FileInfo(full).Length > FreedAtOnce
                ? File.OpenHandle(full, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static async Task FreeAsync(Task before, SafeFileHandle file)
    {
        await before.ConfigureAwait(false);
        using (file)
        {
            try
            {
                for (long left = RandomAccess.GetLength(file) - FreedAtOnce; left > 0; left -= FreedAtOnce)
                {
                    RandomAccess.SetLength(file, left);
                    await Task.Delay(FreePause, TimeProvider.System, CancellationToken.None).ConfigureAwait(false);
                }
            }
            catch (IOException)
            {
                // All of it is freed when it is closed.
            }
        }
    }

    private static void SyncFolderAt(string full)
    {
        int descriptor = OpenDescriptor(full, OpenReadOnly);
        if (descriptor < 0)
        {
            // A folder above ours that we may pass but not read: it was there before us, so its name is durable.
            return;
        }

        int result = SyncDescriptor(descriptor);
        int error = Marshal.GetLastPInvokeError();
        _ = CloseDescriptor(descriptor);
        if (result != 0)
        {
            throw new IOException($"fsync of the directory {full} failed: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int SyncDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseDescriptor(int descriptor);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int SyncData(SafeFileHandle file);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int SyncRange(SafeFileHandle file, long offset, long bytes, uint flags);

    private sealed class DiskFile(SafeFileHandle handle) : IDiskFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public int Read(long offset, Span<byte> into)
        {
            int total = 0;
            while (total < into.Length)
            {
                int read = RandomAccess.Read(handle, into[total..], offset + total);
                if (read == 0)
                {
                    break;
                }

                total += read;
            }

            return total;
        }

        public void Write(long offset, ReadOnlySpan<byte> bytes)
        {
            RandomAccess.Write(handle, bytes, offset);
            if (bytes.Length >= Limits.SnapshotPieceBytes / 2)
            {
                // A part of something large, such as a snapshot: what piles up in the cache would hold up the log's syncs when it
                // is written at last. Only a hint; Sync waits and tells of errors.
                _ = SyncRange(handle, offset, bytes.Length, BeginWriting);
            }
        }

        public void Sync()
        {
            // Not fsync: the file's size and content count, its times do not.
            if (SyncData(handle) != 0)
            {
                throw new IOException($"fdatasync failed: {Marshal.GetLastPInvokeErrorMessage()}");
            }
        }

        public void Dispose() => handle.Dispose();
    }
}
