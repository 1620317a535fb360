using Discovery.Raft;
using Discovery.Store.Log;
using static Discovery.Store.Tests.Log.WalSample;

namespace Discovery.Store.Tests.Log;

/// <summary>What a disk that fails or is full does to the log: the process ends or goes on, and nothing is lost.</summary>
public sealed class DiskFaultTests
{
    private const string NoSpace = "No space left on device";

    /// <summary>
    /// Goal: whichever operation fails, nothing is written after a batch that failed, and a start gives back what was
    /// acknowledged, from the cache as from the disk. How: the same run, failing at each of its operations in turn.
    /// </summary>
    [Fact]
    public void Failure_of_any_operation_loses_nothing_acknowledged()
    {
        var met = new SortedSet<string>(StringComparer.Ordinal);
        for (int failsAt = 0; ; failsAt++)
        {
            var disk = new MemoryDisk();
            Wal.Create(disk, Identity, segmentBytes: SegmentBytes).Dispose();
            using Wal wal = Open(disk, out _, out _);
            int operation = 0;
            disk.Meet = (what, path) =>
            {
                if (operation++ == failsAt)
                {
                    met.Add($"{what} {Path.GetExtension(path)}");
                    throw new IOException("Input/output error");
                }
            };

            (ulong acknowledged, bool ended) = Run(wal);

            disk.Meet = null;
            if (ended)
            {
                Assert.Throws<InvariantException>(() => wal.Put(Entry(1, acknowledged + 1, "after")));
            }

            foreach (MemoryDisk left in (MemoryDisk[])[disk.Copy(syncedOnly: false), disk.Copy(syncedOnly: true)])
            {
                using Wal again = Open(left, out RestoredState restored, out _);
                Assert.InRange((ulong)restored.Entries.Count, acknowledged, acknowledged + 1);
                Assert.Equal(restored.HardState.Commit, acknowledged == 0 ? 0 : (ulong)restored.Entries.Count - 1);
            }

            if (operation <= failsAt)
            {
                break;
            }
        }

        Assert.Equal(
            ["create .tmp", "grow .tmp", "rename .tmp", "sync .tmp", "sync .wal", "sync folder ", "write .tmp", "write .wal"], met);
    }

    [Fact]
    public void Full_disk_is_told_before_the_log_is_full_and_ends_by_itself()
    {
        int room = 2;
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        disk.Meet = (what, _) => FailIf(what == "grow" && room-- <= 0);
        wal.PrepareSpare();
        Fill(wal, disk, segments: 2);
        wal.PrepareSpare();
        Fill(wal, disk, segments: 3);

        // The third is the last that there was room for.
        Assert.Equal(NoSpace, Assert.Throws<IOException>(wal.PrepareSpare).Message);
        Assert.True(wal.IsDiskFull);
        Assert.DoesNotContain("member/wal/spare.tmp", disk.Paths);
        wal.Put(Entry(1, 1, "what Raft must remember"));

        room = 1;
        Assert.Throws<IOException>(wal.PrepareSpare);
        Assert.True(wal.IsDiskFull);

        room = 2;
        wal.PrepareSpare();
        Assert.False(wal.IsDiskFull);
        Assert.False(wal.NeedsSpare);
        Assert.DoesNotContain("member/wal/room.tmp", disk.Paths);
    }

    [Fact]
    public void Log_that_has_used_up_its_reserve_fails_the_batch()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        disk.Meet = static (what, _) => FailIf(what == "grow");

        Assert.Equal(NoSpace, Assert.Throws<IOException>(() => Fill(wal, disk, segments: 2)).Message);

        disk.Meet = null;
        Assert.Throws<InvariantException>(() => wal.Put(Entry(1, 1000, "after")));
        Assert.Single(disk.Paths);
    }

    [Fact]
    public void Spare_of_a_former_process_is_used_where_there_is_no_room_for_a_new_one()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put(Entry(1, 1, "a"));
            wal.PrepareSpare();
        }

        Flip(disk, "member/wal/spare.tmp", 5000);
        using (Wal wal = Open(disk, out _, out _))
        {
            disk.Meet = static (what, _) => FailIf(what == "grow");
            wal.PrepareSpare();
            Fill(wal, disk, segments: 2);
        }

        disk.Meet = null;
        using Wal again = Open(disk, out _, out string? repaired);
        Assert.Null(repaired);
    }

    [Fact]
    public void Sector_that_cannot_be_read_is_damage_and_costs_no_other()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: 64 * 1024))
        {
            for (ulong i = 1; i <= 100; i++)
            {
                wal.Put(new HardState(i, new NodeId(9), i), Entry(i, i, new string('x', 300)));
            }
        }

        string path = Segments(disk)[0];
        disk.Unreadable = (path, 9000);

        (RestoredState restored, WalDamage? damage, _) = OpenDamaged(disk);

        Assert.NotNull(damage);
        Assert.InRange(damage.Problem.Offset, 8192 - 400, 8192);
        Assert.InRange(restored.Entries.Count, 19, 23);
        Assert.Equal((100UL, new NodeId(9)), (restored.HardState.Term, restored.HardState.VotedFor!.Value));
    }

    private static void FailIf(bool isFull)
    {
        if (isFull)
        {
            throw new IOException(NoSpace);
        }
    }

    private static (ulong Acknowledged, bool Ended) Run(Wal wal)
    {
        ulong acknowledged = 0;
        for (ulong i = 1; i <= 60; i++)
        {
            try
            {
                if (i % 25 == 0)
                {
                    wal.PrepareSpare();
                }
            }
            catch (IOException)
            {
                // Only the spare is missing.
            }

            try
            {
                wal.Put(new HardState(1, null, i - 1), Entry(1, i, new string('x', 300)));
                acknowledged = i;
            }
            catch (IOException)
            {
                return (acknowledged, true);
            }
        }

        return (acknowledged, false);
    }

    private static void Fill(Wal wal, MemoryDisk disk, int segments)
    {
        while (Segments(disk).Count < segments)
        {
            wal.Put(Entry(1, 1, new string('x', 700)));
        }
    }
}
