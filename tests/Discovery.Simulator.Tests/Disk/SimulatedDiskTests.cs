using Discovery.Simulator.Disk;
using Discovery.Simulator.Time;
using Discovery.Store.Log;

namespace Discovery.Simulator.Tests.Disk;

public sealed class SimulatedDiskTests
{
    private static readonly byte[] Old = Bytes(1);
    private static readonly byte[] New = Bytes(2);

    [Fact]
    public void A_power_cut_leaves_what_was_synced_and_of_the_rest_whole_sectors()
    {
        bool torn = false;
        foreach (SimulatedDisk disk in Disks())
        {
            IDiskFile file = Made(disk, "member/a", Old);
            file.Write(0, New);
            disk.LosePower();

            byte[] found = Read(disk, "member/a");
            Assert.Equal(Old.Length, found.Length);
            bool[] isNew = [.. found.Chunk(DiskLimits.SectorBytes).Select(static sector => sector.All(static b => b == 2))];
            bool[] isOld = [.. found.Chunk(DiskLimits.SectorBytes).Select(static sector => sector.All(static b => b == 1))];
            Assert.All(isNew.Zip(isOld), static sector => Assert.True(sector.First ^ sector.Second));
            torn |= isNew.Contains(true) && isOld.Contains(true);
        }

        Assert.True(torn, "no power cut tore a write");
    }

    [Fact]
    public void A_killed_process_leaves_what_it_wrote()
    {
        foreach (SimulatedDisk disk in Disks())
        {
            IDiskFile file = Made(disk, "member/a", Old);
            file.Write(0, New);
            disk.EndProcess();

            Assert.Equal(New, Read(disk, "member/a"));
            Assert.Throws<SimulatedCrashException>(() => file.Write(0, Old));
        }
    }

    [Fact]
    public void After_a_failed_sync_the_cache_shows_what_the_disk_may_not_have_and_the_next_sync_does_not_help()
    {
        bool lost = false;
        foreach (SimulatedDisk disk in Disks())
        {
            IDiskFile file = Made(disk, "member/a", Old);
            file.Write(0, New);
            disk.Faults.SyncError = 1;
            Assert.Throws<DiskFaultException>(file.Sync);
            disk.Faults.SyncError = 0;
            Assert.Equal(New, Read(disk, "member/a"));
            file.Sync();
            disk.LosePower();

            lost |= Read(disk, "member/a").Contains((byte)1);
        }

        Assert.True(lost, "every failed sync had written everything");
    }

    [Fact]
    public void A_rename_without_a_sync_of_the_folder_may_be_lost_and_never_loses_both_names()
    {
        var left = new HashSet<string>();
        foreach (SimulatedDisk disk in Disks())
        {
            _ = Made(disk, "member/a", Old);
            disk.Rename("member/a", "member/b");
            disk.LosePower();

            left.Add(string.Join(' ', disk.List("member")));
        }

        Assert.Equal(["a", "b"], left.Order());
    }

    [Fact]
    public void A_full_disk_takes_no_longer_file_but_still_overwrites()
    {
        SimulatedDisk disk = Disks().First();
        IDiskFile file = Made(disk, "member/a", Old);
        disk.Faults.IsFull = true;

        file.Write(0, New);
        Assert.Throws<DiskFaultException>(() => file.Write(Old.Length, New));
        Assert.Throws<DiskFaultException>(() => disk.Create("member/b"));
    }

    [Fact]
    public void The_process_dies_at_the_operation_that_was_chosen()
    {
        SimulatedDisk disk = Disks().First();
        IDiskFile file = Made(disk, "member/a", Old);
        disk.Faults.CrashAfter(2);

        file.Write(0, New);
        Assert.Throws<SimulatedCrashException>(file.Sync);
    }

    private static IEnumerable<SimulatedDisk> Disks() =>
        Enumerable.Range(1, 50).Select(static seed => new SimulatedDisk("disk", new Chance(seed, "disk")));

    private static IDiskFile Made(SimulatedDisk disk, string path, byte[] content)
    {
        IDiskFile file = disk.Create(path);
        file.Write(0, content);
        file.Sync();
        disk.SyncFolder("member");
        return file;
    }

    private static byte[] Read(SimulatedDisk disk, string path)
    {
        using IDiskFile file = disk.Open(path);
        byte[] bytes = new byte[file.Length];
        Assert.Equal(bytes.Length, file.Read(0, bytes));
        return bytes;
    }

    private static byte[] Bytes(byte value) => [.. Enumerable.Repeat(value, 8 * DiskLimits.SectorBytes)];
}
