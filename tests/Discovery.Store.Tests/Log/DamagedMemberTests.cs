using Discovery.Raft;
using Discovery.Store.Consensus;
using Discovery.Store.Log;
using static Discovery.Store.Tests.Log.WalSample;

namespace Discovery.Store.Tests.Log;

/// <summary>Who may start on a damaged disk: a member whose peers have what it lost, and nobody else.</summary>
public sealed class DamagedMemberTests
{
    [Fact]
    public void Member_with_peers_starts_recovering_and_knows_it_at_the_next_start_too()
    {
        MemoryDisk disk = WithDamage(new Membership([new NodeId(22), new NodeId(33), new NodeId(44)]));

        OpenedData opened = Open(disk);
        Assert.NotNull(opened.Damage);
        Assert.True(opened.Restored.HardState.IsRecovering);
        Assert.Equal(7UL, opened.Restored.HardState.Term);
        opened.Wal!.Dispose();

        OpenedData again = Open(disk);
        Assert.Null(again.Damage);
        Assert.True(again.Restored.HardState.IsRecovering);
        Assert.Equal(2, again.Restored.Entries.Count);
    }

    [Fact]
    public void Only_member_is_refused_and_its_files_stay_as_they_are()
    {
        MemoryDisk disk = WithDamage(new Membership([new NodeId(22)]));
        byte[] before = disk.Bytes(Segments(disk)[0]);

        var e = Assert.Throws<StoreDataException>(() => Open(disk));

        Assert.EndsWith("this is no torn write but corruption: restore the member from a snapshot or a backup", e.Message, StringComparison.Ordinal);
        Assert.Equal(before, disk.Bytes(Segments(disk)[0]));
        Assert.Single(disk.Paths);
    }

    /// <summary>Its snapshots are gone and with them who its peers are; that it voted for one says that there are some.</summary>
    [Fact]
    public void Member_that_voted_for_another_has_peers()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            for (ulong i = 1; i <= 100; i++)
            {
                wal.Put(new HardState(7, new NodeId(33), i), Entry(7, i, new string('x', 300)));
            }

            wal.DropBefore(60);
        }

        OpenedData opened = Open(disk);

        Assert.NotNull(opened.Damage);
        Assert.Equal(new HardState(7, new NodeId(33), 0, IsRecovering: true), opened.Restored.HardState);
        Assert.Equal(Membership.None, opened.Restored.Membership);
    }

    private static MemoryDisk WithDamage(Membership members)
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        wal.Put(new HardState(7, new NodeId(22), 1), new Entry(new EntryId(1, 1), EntryKind.Membership, members.Encode()));
        for (ulong i = 2; i <= 9; i++)
        {
            wal.Put(new HardState(7, new NodeId(22), i - 1), NoOp(7, i));
        }

        Flip(disk, Segments(disk)[0], (int)wal.BytesWritten * 3 / 9);
        return disk;
    }

    private static OpenedData Open(MemoryDisk disk) =>
        OpenedData.Open(new StoreOptions { DataDir = "memory" }, disk, instance: 1, joins: null, static e => Assert.Fail(e.Message));
}
