using Discovery.Raft;
using Discovery.Store.Log;
using Xunit.Abstractions;
using static Discovery.Store.Tests.Log.WalSample;

namespace Discovery.Store.Tests.Log;

/// <summary>
/// Goal: wherever the power is cut, a start gives back everything that was acknowledged, in order, and nothing that was
/// never written. How: a member's life is recorded operation by operation, with rolled segments, overwritten entries,
/// saved and installed snapshots, dropped segments; after each operation, what a disk could have kept is opened.
/// </summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private const int Batches = 200;
    private const int SmallSegmentBytes = 4 * 1024;

    [Theory]
    [InlineData(20261121)]
    [InlineData(0)]
    public void Power_cut_after_any_operation_loses_nothing_acknowledged(int fixedSeed)
    {
        int seed = fixedSeed == 0 ? Environment.TickCount : fixedSeed;
        output.WriteLine($"seed {seed}");
        var life = new RecordedLife(new Random(seed), SmallSegmentBytes);
        for (int i = 0; i < Batches; i++)
        {
            life.LiveOn();
        }

        var random = new Random(seed + 1);
        var cut = new PowerCut(life.Disk);
        int opened = 0;
        for (int at = 0; at <= life.Disk.Steps.Count; at++)
        {
            foreach (double keeps in (double[])[0, 0.2, 0.5, 0.8, 1])
            {
                MemoryDisk left = cut.Leave(random, keeps);
                string where = $"seed {seed}, step {at} of {life.Disk.Steps.Count}, kept {keeps}";
                if (++opened % 40 == 0)
                {
                    CutWhileOpening(life, at, left.Copy(syncedOnly: false), random, where);
                }

                OpenAgain(life, at, left, where);
            }

            if (at < life.Disk.Steps.Count)
            {
                cut.Do(life.Disk.Steps[at]);
            }
        }

        output.WriteLine($"{life.Disk.Steps.Count} operations, {opened} disks opened");
    }

    /// <summary>A start that is cut off itself loses nothing either.</summary>
    private static void CutWhileOpening(RecordedLife life, int at, MemoryDisk left, Random random, string where)
    {
        var traced = new TracedDisk(left);
        if (!Wal.Exists(traced))
        {
            return;
        }

        Read(traced, where).Wal.Dispose();
        var cut = new PowerCut(traced);
        foreach (DiskStep step in traced.Steps)
        {
            OpenAgain(life, at, cut.Leave(random, 0.5), $"{where}, cut again while opening");
            cut.Do(step);
        }
    }

    private static void OpenAgain(RecordedLife life, int at, MemoryDisk left, string where)
    {
        if (!Wal.Exists(left))
        {
            Assert.True(at < life.Born, $"{where}: the log is gone");
            return;
        }

        (Wal wal, RestoredState restored, EntryId snapshot) = Read(left, where);
        life.AssertRemembered(at, restored, where);

        // The log goes on from there, and holds what is written to it.
        ulong next = restored.Entries is [.., var last] ? last.Id.Index + 1 : snapshot.Index + 1;
        using (wal)
        {
            wal.Put(restored.HardState with { Term = restored.HardState.Term + 1 }, Entry(restored.HardState.Term + 1, next, "after the cut"));
        }

        (Wal again, RestoredState after, _) = Read(left, where);
        again.Dispose();
        Assert.Equal([.. restored.Entries.Select(Text), $"{restored.HardState.Term + 1}.{next} Command after the cut"], after.Entries.Select(Text));
    }

    private static (Wal Wal, RestoredState Restored, EntryId Snapshot) Read(IDisk disk, string where)
    {
        var snapshots = new SnapshotFiles(disk, Identity);
        EntryId snapshot = snapshots.Load(e => Assert.Fail($"{where}: {e.Message}"))?.Info.At ?? default;
        try
        {
            Wal wal = Wal.Open(
                disk, snapshot, (damage, _) => Assert.Fail($"{where}: {damage}"), out RestoredState restored, out _, SmallSegmentBytes);
            return (wal, restored, snapshot);
        }
        catch (Exception e) when (e is StoreDataException or InvariantException)
        {
            Assert.Fail($"{where}: {e.Message}");
            throw;
        }
    }
}
