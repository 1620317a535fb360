using System.Text;
using Discovery.Raft;
using Discovery.Store.Log;
using static Discovery.Store.Tests.Log.WalSample;

namespace Discovery.Store.Tests.Log;

/// <summary>What the log gives back after every kind of end that a crash can make, and when it is overwritten or foreign.</summary>
public sealed class WalTests
{
    [Fact]
    public void Known_checksums_are_computed()
    {
        Assert.Equal(0xe3069283u, Crc32C.Compute("123456789"u8));
        Assert.Equal(0x8a9136aau, Crc32C.Compute(new byte[32]));
        Assert.Equal(Crc32C.Compute("123456789"u8), Crc32C.Compute("456789"u8, Crc32C.Compute("123"u8)));
    }

    [Fact]
    public void Replay_gives_back_what_was_written()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put(new HardState(1, new NodeId(22), 0), [NoOp(1, 1)]);
            wal.Put([Entry(1, 2, "a"), Entry(1, 3, "")]);
            wal.Put(new HardState(2, null, 3), []);
        }

        using Wal again = Open(disk, out RestoredState restored, out string? repaired);

        Assert.Null(repaired);
        Assert.Equal(Identity, again.Identity);
        Assert.Equal(new HardState(2, null, 3), restored.HardState);
        Assert.Equal(["1.1 NoOp ", "1.2 Command a", "1.3 Command "], restored.Entries.Select(Text));
    }

    [Fact]
    public void Batch_is_one_sync_however_many_entries()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: 1024 * 1024);
        int before = disk.LogSyncs;

        wal.Put([.. Enumerable.Range(1, 1000).Select(i => Entry(1, (ulong)i, $"entry {i}"))]);

        Assert.Equal(before + 1, disk.LogSyncs);
    }

    [Fact]
    public void Log_goes_on_after_it_was_opened_again_and_over_many_segments()
    {
        var disk = new MemoryDisk();
        Wal.Create(disk, Identity, segmentBytes: SegmentBytes).Dispose();
        ulong index = 0;
        for (int round = 0; round < 5; round++)
        {
            using Wal wal = Open(disk, out RestoredState soFar, out _);
            Assert.Equal(index, (ulong)soFar.Entries.Count);
            for (int i = 0; i < 40; i++)
            {
                index++;
                wal.Put(new HardState(7, new NodeId(22), 0), [Entry(7, index, new string('x', 300) + index)]);
            }
        }

        using Wal last = Open(disk, out RestoredState restored, out _);
        Assert.True(Segments(disk).Count > 5);
        Assert.Equal(new HardState(7, new NodeId(22), 0), restored.HardState);
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (ulong)i), restored.Entries.Select(e => e.Id.Index));
        Assert.EndsWith("200", Text(restored.Entries[^1]), StringComparison.Ordinal);
    }

    [Fact]
    public void Entry_larger_than_a_segment_is_kept()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put([Entry(1, 1, "small")]);
            wal.Put([Entry(1, 2, new string('x', 3 * SegmentBytes))]);
            wal.Put([Entry(1, 3, "small")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _);

        Assert.Equal([5, 3 * SegmentBytes, 5], restored.Entries.Select(e => e.Payload.Length));
    }

    [Fact]
    public void Overwritten_entries_are_replaced_and_what_follows_them_goes()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put([Entry(1, 1, "a"), Entry(1, 2, "b"), Entry(1, 3, "c")]);
            wal.Put([Entry(2, 2, "B")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _);

        Assert.Equal(["1.1 Command a", "2.2 Command B"], restored.Entries.Select(Text));
    }

    [Fact]
    public void Entries_that_a_snapshot_holds_are_not_given_back_and_their_segments_can_go()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            for (ulong i = 1; i <= 100; i++)
            {
                wal.Put([Entry(3, i, new string('x', 400))]);
            }

            int before = Segments(disk).Count;
            wal.DropBefore(60);
            Assert.True(Segments(disk).Count < before);
        }

        using Wal again = Open(disk, out RestoredState restored, out _, new EntryId(3, 60));

        Assert.Equal(61UL, restored.Entries[0].Id.Index);
        Assert.Equal(100UL, restored.Entries[^1].Id.Index);
        Assert.Equal(new HardState(3, null, 60), restored.HardState);
    }

    /// <summary>
    /// Goal: whatever part of the last batch a crash left, the batches before it are there, the last is there whole or
    /// not at all, and the log goes on. How: cut it at each of its bytes.
    /// </summary>
    [Fact]
    public void Last_batch_torn_at_any_byte_is_there_whole_or_not_at_all()
    {
        (MemoryDisk disk, string path, int start, int end) = WithLastBatch();
        byte[] whole = disk.Bytes(path);
        for (int cut = start; cut < end; cut++)
        {
            MemoryDisk torn = disk.Copy(syncedOnly: false);
            byte[] bytes = [.. whole];
            bytes.AsSpan(cut).Clear();
            torn.SetBytes(path, bytes);

            // Of the frame the length, the kind and the check are enough to know that all before it is there.
            bool isWhole = cut >= end - WalBatch.CommitPayloadBytes;

            using (Wal wal = Open(torn, out RestoredState restored, out string? repaired))
            {
                Assert.Equal(isWhole ? 4 : 2, restored.Entries.Count);
                Assert.Equal(!bytes.AsSpan().SequenceEqual(whole) && bytes.AsSpan(start).ContainsAnyExcept((byte)0), repaired is not null);
                wal.Put([Entry(1, isWhole ? 5UL : 3UL, "next")]);
            }

            using Wal again = Open(torn, out RestoredState after, out string? twice);
            Assert.Null(twice);
            Assert.Equal("next", Encoding.UTF8.GetString(after.Entries[^1].Payload.Span));
        }
    }

    [Fact]
    public void File_cut_short_at_any_byte_of_the_last_batch_is_repaired()
    {
        (MemoryDisk disk, string path, int start, int end) = WithLastBatch();
        for (int cut = start; cut < end; cut += 5)
        {
            MemoryDisk torn = disk.Copy(syncedOnly: false);
            torn.SetBytes(path, torn.Bytes(path)[..cut]);

            using Wal wal = Open(torn, out RestoredState restored, out _);

            Assert.Equal(2, restored.Entries.Count);
        }
    }

    [Fact]
    public void Repair_keeps_a_copy_and_names_the_place()
    {
        (MemoryDisk disk, string path, int start, int end) = WithLastBatch();
        byte[] bytes = disk.Bytes(path);
        bytes.AsSpan(end - 20).Clear();
        disk.SetBytes(path, bytes);

        Open(disk, out _, out string? repaired).Dispose();

        Assert.Equal(bytes.AsSpan(start, end - 20 - start).TrimEnd((byte)0).ToArray(), disk.Bytes(path + ".broken"));
        Assert.Contains($"cut off at {start}", repaired, StringComparison.Ordinal);
        Assert.False(disk.Bytes(path).AsSpan(start).ContainsAnyExcept((byte)0));
    }

    /// <summary>Goal: a full disk is known while there is a reserve, also when whoever prepares segments had no time to try.</summary>
    [Fact]
    public void Full_disk_is_known_when_half_of_the_segment_is_left()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        disk.Meet = static (what, _) =>
        {
            if (what == "grow")
            {
                throw new IOException("No space left on device");
            }
        };
        ulong index = 0;
        while (!wal.IsDiskFull)
        {
            wal.Put([Entry(1, ++index, "a payload of some bytes")]);
        }

        Assert.InRange(wal.BytesWritten, SegmentBytes / 2, SegmentBytes * 3 / 4);
    }

    /// <summary>A crash may write a later sector and not an earlier one.</summary>
    [Fact]
    public void Unwritten_sector_in_the_last_batch_is_a_torn_write()
    {
        (MemoryDisk disk, string path, int start, _) = WithLastBatch();
        byte[] bytes = disk.Bytes(path);
        int sector = (start + 511) / 512 * 512;
        bytes.AsSpan(sector, 512).Clear();
        disk.SetBytes(path, bytes);

        using Wal wal = Open(disk, out RestoredState restored, out string? repaired);

        Assert.Equal(2, restored.Entries.Count);
        Assert.NotNull(repaired);
    }

    [Fact]
    public void Newer_format_and_foreign_file_are_refused_in_one_line()
    {
        var disk = new MemoryDisk();
        Wal.Create(disk, Identity, segmentBytes: SegmentBytes).Dispose();
        string path = Segments(disk)[0];
        byte[] bytes = disk.Bytes(path);
        new WalSegmentHeader(0, Identity, 1, 0).Write(bytes, version: 3);
        disk.SetBytes(path, bytes);

        var newer = Assert.Throws<StoreDataException>(() => Open(disk, out _, out _));
        Assert.Equal($"memory/{path} has format version 3; this program reads 1 to 2: start the newer program that wrote it", newer.Message);

        disk.SetBytes(path, Encoding.UTF8.GetBytes("something else"));
        Assert.Contains("no log of this store", Assert.Throws<StoreDataException>(() => Open(disk, out _, out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_written_after_a_failed_sync()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        disk.Failure = new IOException("no disk");
        Assert.Throws<IOException>(() => wal.Put([Entry(1, 1, "a")]));

        disk.Failure = null;

        Assert.Throws<InvariantException>(() => wal.Put([Entry(1, 1, "a")]));
    }

    [Fact]
    public void Spare_segment_becomes_the_next_segment()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        wal.PrepareSpare();
        Assert.False(wal.NeedsSpare);

        for (ulong i = 1; i <= 25; i++)
        {
            wal.Put([Entry(1, i, new string('x', 300))]);
        }

        Assert.True(wal.NeedsSpare);
        Assert.Equal(2, Segments(disk).Count);
        using Wal again = Open(disk, out RestoredState restored, out _);
        Assert.Equal(25, restored.Entries.Count);
    }

    /// <summary>Goal: an entry counts until an earlier one is written again, also when it stands at or before a snapshot.</summary>
    [Fact]
    public void Entries_overwritten_from_before_a_snapshot_are_gone_behind_it_too()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put([.. Enumerable.Range(1, 10).Select(i => Entry(1, (ulong)i, "old"))]);
            wal.Put([Entry(2, 4, "new"), Entry(2, 5, "new")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _, new EntryId(2, 5));

        Assert.Empty(restored.Entries);
    }

    [Fact]
    public void Overwriting_across_segments_keeps_what_counts_wherever_the_log_is_dropped()
    {
        for (ulong oldest = 0; oldest <= 40; oldest++)
        {
            var disk = new MemoryDisk();
            using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
            {
                WriteMany(wal, term: 1, from: 1, to: 60);
                WriteMany(wal, term: 2, from: 30, to: 32);
                WriteMany(wal, term: 3, from: 32, to: 90);
                wal.DropBefore(oldest);
            }

            var snapshot = new EntryId(oldest == 0 ? 0UL : oldest < 30 ? 1UL : oldest < 32 ? 2UL : 3UL, oldest);
            using Wal again = Open(disk, out RestoredState restored, out _, snapshot);

            Assert.Equal(Enumerable.Range((int)oldest + 1, 90 - (int)oldest), restored.Entries.Select(e => (int)e.Id.Index));
            Assert.All(restored.Entries, static e => Assert.Equal(e.Id.Index < 30 ? 1UL : e.Id.Index < 32 ? 2UL : 3UL, e.Id.Term));
        }

        static void WriteMany(Wal wal, ulong term, ulong from, ulong to)
        {
            for (ulong i = from; i <= to; i++)
            {
                wal.Put([Entry(term, i, new string('x', 600))]);
            }
        }
    }

    [Fact]
    public void Log_goes_on_after_an_installed_snapshot_and_forgets_what_was_before()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put([Entry(1, 1, "a"), Entry(1, 2, "b"), Entry(1, 3, "c")]);
            wal.Mark(new HardState(4, null, 100), new EntryId(3, 100), [Entry(4, 101, "d")]);
            wal.Put([Entry(4, 102, "e")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _, new EntryId(3, 100));

        Assert.Equal(["4.101 Command d", "4.102 Command e"], restored.Entries.Select(Text));
        Assert.Equal(new HardState(4, null, 100), restored.HardState);
    }

    /// <summary>Goal: a snapshot may be shorter than the log that it replaces, and newer.</summary>
    [Fact]
    public void Installed_snapshot_removes_a_longer_log()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put([.. Enumerable.Range(1, 9).Select(i => Entry(1, (ulong)i, "old"))]);
            wal.Mark(new HardState(2, null, 5), new EntryId(2, 5));
        }

        using Wal again = Open(disk, out RestoredState restored, out _, new EntryId(2, 5));

        Assert.Empty(restored.Entries);
    }

    /// <summary>A snapshot gets its name before the log gets its mark.</summary>
    [Theory]
    [InlineData(3, 1)]
    [InlineData(5, 1)]
    [InlineData(9, 2)]
    public void Snapshot_that_the_log_does_not_hold_replaces_it_for_good(ulong lastIndex, ulong term)
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            for (ulong i = 1; i <= lastIndex; i++)
            {
                wal.Put(new HardState(term, new NodeId(22), 0), [Entry(term, i, "of another leader")]);
            }
        }

        var snapshot = new EntryId(3, 5);
        using (Wal wal = Open(disk, out RestoredState first, out _, snapshot))
        {
            Assert.Empty(first.Entries);
            Assert.Equal(new HardState(3, null, 5), first.HardState);
            wal.Put(new HardState(3, null, 5), [Entry(3, 6, "next")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _, snapshot);
        Assert.Equal(["3.6 Command next"], restored.Entries.Select(Text));
    }

    /// <summary>Goal: a later term behind it does not make an entry of another history the snapshot's.</summary>
    [Fact]
    public void Entries_after_one_that_a_snapshot_contradicts_do_not_count_whatever_their_term()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put([Entry(1, 1, "never committed"), Entry(3, 2, "never committed")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _, new EntryId(2, 1));

        Assert.Empty(restored.Entries);
    }

    [Fact]
    public void Snapshot_that_the_log_holds_changes_nothing_after_it()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put([Entry(1, 1, "a"), Entry(1, 2, "b"), Entry(1, 3, "c")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _, new EntryId(1, 2));

        Assert.Equal(["1.3 Command c"], restored.Entries.Select(Text));
        Assert.Equal(2UL, restored.HardState.Commit);
    }

    [Fact]
    public void Recovering_is_remembered_until_a_batch_says_otherwise()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put(new HardState(3, new NodeId(7), 0, IsRecovering: true));
        }

        using (Wal wal = Open(disk, out RestoredState recovering, out _))
        {
            Assert.Equal(new HardState(3, new NodeId(7), 0, IsRecovering: true), recovering.HardState);
            wal.Put(new HardState(4, null, 0));
        }

        using Wal again = Open(disk, out RestoredState restored, out _);
        Assert.Equal(new HardState(4, null, 0), restored.HardState);
    }

    /// <summary>The system may remove a later file for good and not an earlier one.</summary>
    [Fact]
    public void Segments_that_came_back_after_they_were_dropped_do_no_harm()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            for (ulong i = 1; i <= 100; i++)
            {
                wal.Put([Entry(1, i, new string('x', 300))]);
            }
        }

        disk.Delete(Segments(disk)[1]);

        using Wal again = Open(disk, out RestoredState restored, out _, new EntryId(1, 70));
        Assert.Equal(30, restored.Entries.Count);
        Assert.DoesNotContain(disk.Paths, static path => path.EndsWith("0000000000000001.wal", StringComparison.Ordinal));
    }

    /// <summary>Goal: no crash between a segment's beginning and its first batch loses the vote when older segments go.</summary>
    [Fact]
    public void Segment_without_a_batch_does_not_let_older_ones_go()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            for (ulong i = 1; i <= 30; i++)
            {
                wal.Put(new HardState(5, new NodeId(9), i), [Entry(5, i, new string('x', 300))]);
            }
        }

        string last = Segments(disk)[^1];
        byte[] bytes = disk.Bytes(last);
        bytes.AsSpan(WalSegmentHeader.Bytes).Clear();
        disk.SetBytes(last, bytes);
        ulong index;
        using (Wal wal = Open(disk, out RestoredState before, out _))
        {
            index = before.Entries[^1].Id.Index;
            wal.DropBefore(index);
        }

        using Wal again = Open(disk, out RestoredState restored, out _, new EntryId(5, index));
        Assert.Equal(new NodeId(9), restored.HardState.VotedFor);
    }

    private static (MemoryDisk Disk, string Path, int Start, int End) WithLastBatch()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        wal.Put(new HardState(1, new NodeId(22), 0), [Entry(1, 1, "first")]);
        wal.Put([Entry(1, 2, "second")]);
        string path = Segments(disk)[0];
        int start = (disk.Bytes(path).AsSpan().LastIndexOfAnyExcept((byte)0) + 8) & ~7;
        wal.Put([Entry(1, 3, "third"), Entry(1, 4, new string('x', 700))]);
        return (disk, path, start, disk.Bytes(path).AsSpan().LastIndexOfAnyExcept((byte)0) + 1);
    }
}
