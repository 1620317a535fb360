using System.Text;
using Discovery.Raft;
using Discovery.Store.Log;

namespace Discovery.Store.Tests.Log;

/// <summary>What the log gives back after every kind of end: whole, torn, damaged, foreign.</summary>
public sealed class WalTests
{
    private const int SegmentBytes = 8 * 1024;
    private static readonly WalIdentity Identity = new(11, 22);

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
        using (Wal wal = Wal.Create(disk, Identity, SegmentBytes))
        {
            wal.Write(new HardState(1, new NodeId(22), 0), [NoOp(1, 1)]);
            wal.Write(null, [Entry(1, 2, "a"), Entry(1, 3, "")]);
            wal.Write(new HardState(2, null, 3), []);
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
        using Wal wal = Wal.Create(disk, Identity, 1024 * 1024);
        int before = disk.LogSyncs;

        wal.Write(null, [.. Enumerable.Range(1, 1000).Select(i => Entry(1, (ulong)i, $"entry {i}"))]);

        Assert.Equal(before + 1, disk.LogSyncs);
    }

    [Fact]
    public void Log_goes_on_after_it_was_opened_again_and_over_many_segments()
    {
        var disk = new MemoryDisk();
        Wal.Create(disk, Identity, SegmentBytes).Dispose();
        ulong index = 0;
        for (int round = 0; round < 5; round++)
        {
            using Wal wal = Open(disk, out RestoredState soFar, out _);
            Assert.Equal(index, (ulong)soFar.Entries.Count);
            for (int i = 0; i < 40; i++)
            {
                index++;
                wal.Write(index == 1 ? new HardState(7, new NodeId(22), 0) : null, [Entry(7, index, new string('x', 300) + index)]);
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
        using (Wal wal = Wal.Create(disk, Identity, SegmentBytes))
        {
            wal.Write(null, [Entry(1, 1, "small")]);
            wal.Write(null, [Entry(1, 2, new string('x', 3 * SegmentBytes))]);
            wal.Write(null, [Entry(1, 3, "small")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _);

        Assert.Equal([5, 3 * SegmentBytes, 5], restored.Entries.Select(e => e.Payload.Length));
    }

    [Fact]
    public void Overwritten_entries_are_replaced_and_what_follows_them_goes()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, SegmentBytes))
        {
            wal.Write(null, [Entry(1, 1, "a"), Entry(1, 2, "b"), Entry(1, 3, "c")]);
            wal.Write(null, [Entry(2, 2, "B")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _);

        Assert.Equal(["1.1 Command a", "2.2 Command B"], restored.Entries.Select(Text));
    }

    [Fact]
    public void Entries_that_a_snapshot_holds_are_not_given_back_and_their_segments_can_go()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, SegmentBytes))
        {
            wal.Write(new HardState(3, new NodeId(22), 0), []);
            for (ulong i = 1; i <= 100; i++)
            {
                wal.Write(null, [Entry(3, i, new string('x', 400))]);
            }

            int before = Segments(disk).Count;
            wal.DropBefore(60);
            Assert.True(Segments(disk).Count < before);
        }

        using Wal again = Wal.Open(disk, new EntryId(3, 60), out RestoredState restored, out _);

        Assert.Equal(61UL, restored.Entries[0].Id.Index);
        Assert.Equal(100UL, restored.Entries[^1].Id.Index);
        Assert.Equal(3UL, restored.HardState.Term);
        var e = Assert.Throws<StoreDataException>(() => Open(disk, out _, out _));
        Assert.Contains("segments are missing", e.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// Goal: whatever part of the last batch a crash left, the batches before it are there, the last is there whole or
    /// not at all, and the log goes on. How: cut it at each of its bytes.
    /// </summary>
    [Fact]
    public void Last_batch_torn_at_any_byte_is_dropped_whole()
    {
        (MemoryDisk disk, string path, int start, int end) = WithLastBatch();
        byte[] whole = disk.Bytes(path);
        for (int cut = start; cut < end; cut++)
        {
            MemoryDisk torn = disk.Copy(syncedOnly: false);
            byte[] bytes = [.. whole];
            bytes.AsSpan(cut).Clear();
            torn.SetBytes(path, bytes);
            bool isWhole = bytes.AsSpan().SequenceEqual(whole);

            using (Wal wal = Open(torn, out RestoredState restored, out string? repaired))
            {
                Assert.Equal(isWhole ? 4 : 2, restored.Entries.Count);
                Assert.Equal(!isWhole && bytes.AsSpan(start).ContainsAnyExcept((byte)0), repaired is not null);
                wal.Write(null, [Entry(1, isWhole ? 5UL : 3UL, "next")]);
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

        Assert.Equal(bytes, disk.Bytes(path + ".broken"));
        Assert.Contains($"cut off at {start}", repaired, StringComparison.Ordinal);
        Assert.False(disk.Bytes(path).AsSpan(start).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Bit_flipped_anywhere_before_the_last_batch_is_refused_by_name()
    {
        (MemoryDisk disk, string path, int start, _) = WithLastBatch();
        int undetected = 0;
        for (int at = 0; at < start; at++)
        {
            MemoryDisk damaged = disk.Copy(syncedOnly: false);
            byte[] bytes = damaged.Bytes(path);
            bytes[at] ^= 0x10;
            damaged.SetBytes(path, bytes);
            try
            {
                using Wal wal = Open(damaged, out RestoredState restored, out _);

                // Only padding carries no meaning: then everything must be there.
                Assert.Equal(["1.1 Command first", "1.2 Command second", "1.3 Command third", $"1.4 Command {new string('x', 700)}"], restored.Entries.Select(Text));
                undetected++;
            }
            catch (StoreDataException e)
            {
                Assert.Contains(path, e.Message, StringComparison.Ordinal);
            }
        }

        Assert.InRange(undetected, 0, 40);
    }

    /// <summary>Zeros in a payload look like a sector that was never written; a later batch tells that it was.</summary>
    [Fact]
    public void Damage_beside_a_payload_of_zeros_is_refused_when_a_later_batch_is_committed()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, SegmentBytes))
        {
            wal.Write(null, [new Entry(new EntryId(1, 1), EntryKind.Command, new byte[2048])]);
            wal.Write(null, [Entry(1, 2, "acknowledged")]);
        }

        string path = Segments(disk)[0];
        byte[] bytes = disk.Bytes(path);
        bytes[WalSegmentHeader.Bytes + 14] ^= 1;
        disk.SetBytes(path, bytes);

        var e = Assert.Throws<StoreDataException>(() => Open(disk, out _, out _));
        Assert.Contains("a later batch is committed", e.Message, StringComparison.Ordinal);
    }

    /// <summary>The last batch is committed and every sector of it was written: a crash does not make that.</summary>
    [Fact]
    public void Bit_flipped_in_the_last_committed_batch_is_refused()
    {
        (MemoryDisk disk, string path, int start, _) = WithLastBatch();
        byte[] bytes = disk.Bytes(path);
        bytes[start + 14] ^= 1;
        disk.SetBytes(path, bytes);

        var e = Assert.Throws<StoreDataException>(() => Open(disk, out _, out _));

        Assert.Contains($"offset {start}: found a record with CRC", e.Message, StringComparison.Ordinal);
        Assert.Contains("corruption", e.Message, StringComparison.Ordinal);
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
    public void Damage_in_an_earlier_segment_is_refused()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, SegmentBytes))
        {
            for (ulong i = 1; i <= 60; i++)
            {
                wal.Write(null, [Entry(1, i, new string('x', 300))]);
            }
        }

        string first = Segments(disk)[0];
        byte[] bytes = disk.Bytes(first);
        int last = bytes.AsSpan().LastIndexOfAnyExcept((byte)0);
        bytes.AsSpan(last - 40, 41).Clear();
        disk.SetBytes(first, bytes);

        var e = Assert.Throws<StoreDataException>(() => Open(disk, out _, out _));
        Assert.Contains(first, e.Message, StringComparison.Ordinal);

        disk.Delete(Segments(disk)[1]);
        Assert.Throws<StoreDataException>(() => Open(disk, out _, out _));
    }

    [Fact]
    public void Missing_segment_in_the_middle_is_refused()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, SegmentBytes))
        {
            for (ulong i = 1; i <= 100; i++)
            {
                wal.Write(null, [Entry(1, i, new string('x', 300))]);
            }
        }

        disk.Delete(Segments(disk)[1]);

        Assert.Contains("missing", Assert.Throws<StoreDataException>(() => Open(disk, out _, out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Newer_format_and_foreign_file_are_refused_in_one_line()
    {
        var disk = new MemoryDisk();
        Wal.Create(disk, Identity, SegmentBytes).Dispose();
        string path = Segments(disk)[0];
        byte[] bytes = disk.Bytes(path);
        bytes[8] = 2;
        disk.SetBytes(path, bytes);

        var newer = Assert.Throws<StoreDataException>(() => Open(disk, out _, out _));
        Assert.Equal($"memory/{path} has format version 2; this program reads 1: start the newer program that wrote it", newer.Message);

        disk.SetBytes(path, Encoding.UTF8.GetBytes("something else"));
        Assert.Contains("no log of this store", Assert.Throws<StoreDataException>(() => Open(disk, out _, out _)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_written_after_a_failed_sync()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, SegmentBytes);
        disk.Failure = new IOException("no disk");
        Assert.Throws<IOException>(() => wal.Write(null, [Entry(1, 1, "a")]));

        disk.Failure = null;

        Assert.Throws<InvariantException>(() => wal.Write(null, [Entry(1, 1, "a")]));
    }

    [Fact]
    public void Spare_segment_becomes_the_next_segment()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, SegmentBytes);
        wal.PrepareSpare();
        Assert.False(wal.NeedsSpare);

        for (ulong i = 1; i <= 30; i++)
        {
            wal.Write(null, [Entry(1, i, new string('x', 300))]);
        }

        Assert.True(wal.NeedsSpare);
        Assert.Equal(2, Segments(disk).Count);
        using Wal again = Open(disk, out RestoredState restored, out _);
        Assert.Equal(30, restored.Entries.Count);
    }

    private static (MemoryDisk Disk, string Path, int Start, int End) WithLastBatch()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, SegmentBytes);
        wal.Write(new HardState(1, new NodeId(22), 0), [Entry(1, 1, "first")]);
        wal.Write(null, [Entry(1, 2, "second")]);
        string path = Segments(disk)[0];
        int start = (disk.Bytes(path).AsSpan().LastIndexOfAnyExcept((byte)0) + 8) & ~7;
        wal.Write(null, [Entry(1, 3, "third"), Entry(1, 4, new string('x', 700))]);
        return (disk, path, start, disk.Bytes(path).AsSpan().LastIndexOfAnyExcept((byte)0) + 1);
    }

    private static Wal Open(MemoryDisk disk, out RestoredState restored, out string? repaired) =>
        Wal.Open(disk, default, out restored, out repaired, SegmentBytes);

    private static IReadOnlyList<string> Segments(MemoryDisk disk) =>
        [.. disk.Paths.Where(path => path.EndsWith(".wal", StringComparison.Ordinal))];

    private static Entry Entry(ulong term, ulong index, string payload) =>
        new(new EntryId(term, index), EntryKind.Command, Encoding.UTF8.GetBytes(payload));

    private static Entry NoOp(ulong term, ulong index) => new(new EntryId(term, index), EntryKind.NoOp, default);

    private static string Text(Entry entry) => $"{entry.Id} {entry.Kind} {Encoding.UTF8.GetString(entry.Payload.Span)}";
}
