using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Discovery.Store.Log;

/// <summary>A data directory on the machine's disk.</summary>
internal sealed partial class FileDisk : IDisk
{
    private const int OpenReadOnly = 0;

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

    public void Delete(string path) => File.Delete(Full(path));

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

        public void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(handle, bytes, offset);

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
