using Microsoft.Win32.SafeHandles;

namespace Discovery.Testing;

/// <summary>A mounted file system of a few megabytes in memory, to be filled up. Needs root.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private readonly TempDirectory _mount = new();

    private SmallDisk()
    {
    }

    /// <summary>Where it is mounted; members keep their data below.</summary>
    public string DataFolder => _mount["data"];

    private string Ballast => _mount["ballast"];

    /// <summary>Mounts one.</summary>
    public static async Task<SmallDisk> MountAsync(int mebibytes)
    {
        var disk = new SmallDisk();
        FinishedProcess done = await RunningProcess.RunAsync("mount", ["-t", "tmpfs", "-o", $"size={mebibytes}m", "dsc-tests", disk._mount.Path]);
        if (done.ExitCode == 0)
        {
            return disk;
        }

        disk._mount.Dispose();
        throw new InvalidOperationException($"mount -t tmpfs: {done.Error}Mounting needs root");
    }

    /// <summary>Takes every byte that is left.</summary>
    public void Fill()
    {
        byte[] page = new byte[4096];
        using SafeFileHandle file = File.OpenHandle(Ballast, FileMode.OpenOrCreate, FileAccess.Write);
        try
        {
            for (long end = RandomAccess.GetLength(file); ; end += page.Length)
            {
                RandomAccess.Write(file, page, end);
            }
        }
        catch (IOException)
        {
            // That was the last byte.
        }
    }

    /// <summary>Gives back what <see cref="Fill"/> took.</summary>
    public void Free() => File.Delete(Ballast);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await RunningProcess.RunAsync("umount", ["-l", _mount.Path]);
        _mount.Dispose();
    }
}
