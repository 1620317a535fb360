using Discovery.Raft;
using Discovery.Store.Log;
using static Discovery.Store.Tests.Log.WalSample;

namespace Discovery.Store.Tests.Log;

/// <summary>
/// What is left of a log whose disk has lost or changed what was acknowledged: what stood before, the newest term and
/// vote, and that the member must be healed by its peers. Nothing is invented, and nothing is lost in silence.
/// </summary>
public sealed class WalDamageTests
{
    private const int Batches = 60;

    /// <summary>
    /// Goal: whichever byte is changed, everything is there, or the loss is known, the vote too. How: flip each byte of a
    /// log of several batches, the last of which is not the damaged one.
    /// </summary>
    [Fact]
    public void Bit_flipped_anywhere_before_the_last_batch_is_damage_and_the_vote_is_still_known()
    {
        (MemoryDisk disk, string path, int lastStart) = OneSegment();
        for (int at = 0; at < lastStart; at++)
        {
            MemoryDisk damaged = disk.Copy(syncedOnly: false);
            Flip(damaged, path, at);
            if (at < WalSegmentHeader.Bytes)
            {
                // The only segment: its header could only be guessed.
                AssertOpensWholeOrNotAtAll(damaged);
                continue;
            }

            (RestoredState restored, WalDamage? damage, _) = OpenDamaged(damaged);
            AssertKnown(restored, damage, batches: 5);
        }
    }

    [Fact]
    public void Bit_flipped_in_the_last_batch_is_damage_or_its_vote_cannot_be_known()
    {
        (MemoryDisk disk, string path, int lastStart) = OneSegment();
        int end = disk.Bytes(path).AsSpan().LastIndexOfAnyExcept((byte)0);
        int refused = 0;
        for (int at = lastStart; at <= end; at++)
        {
            MemoryDisk damaged = disk.Copy(syncedOnly: false);
            Flip(damaged, path, at, 0x01);
            try
            {
                (RestoredState restored, WalDamage? damage, _) = OpenDamaged(damaged);
                AssertKnown(restored, damage, batches: 5);
            }
            catch (StoreDataException e)
            {
                Assert.StartsWith($"memory/{path}, offset {lastStart}: found", e.Message, StringComparison.Ordinal);
                Assert.Contains("remove it from the cluster, delete its data directory and add it again", e.Message, StringComparison.Ordinal);
                refused++;
            }
        }

        // The hard state's record: 12 and 25 bytes.
        Assert.Equal(37, refused);
    }

    /// <summary>
    /// Goal: a frame that was changed is not taken for one that was cut off because its last byte happens to be zero, as one in 256 is
    /// (simulator: FOUND.md, 7). How: write until there is one, flip each bit of it.
    /// </summary>
    [Fact]
    public void Bit_flipped_in_a_last_frame_that_ends_with_zeros_loses_nothing()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: 16 * SegmentBytes);
        ulong count = 0;
        int end;
        do
        {
            count++;
            wal.Put(new HardState(count, new NodeId(count), count), [Entry(count, count, $"payload {count}")]);
            end = (int)wal.BytesWritten + WalSegmentHeader.Bytes - 4;
        }
        while (disk.Bytes(Segments(disk)[0])[end - 1] != 0);

        for (int bit = 0; bit < 8 * (WalBatch.RecordHeaderBytes + WalBatch.CommitPayloadBytes); bit++)
        {
            MemoryDisk damaged = disk.Copy(syncedOnly: false);
            Flip(damaged, Segments(disk)[0], end - 1 - (bit / 8), (byte)(1 << (bit % 8)));

            (RestoredState restored, WalDamage? damage, _) = OpenDamaged(damaged);

            AssertKnown(restored, damage, batches: (int)count);
            Assert.Null(damage);
        }
    }

    /// <summary>Goal: what a disk does not give back is not taken for what a crash did not write (simulator: FOUND.md, 9).</summary>
    [Fact]
    public void Unreadable_end_of_the_log_is_no_torn_write()
    {
        (MemoryDisk disk, string path, int lastStart) = OneSegment();
        using (Wal wal = Open(disk, out _, out _))
        {
            for (ulong i = 6; i <= 40; i++)
            {
                wal.Put(new HardState(i, new NodeId(i), i), [Entry(i, i, $"payload {i} {new string('x', 80)}")]);
            }
        }

        disk.Unreadable = (path, 4096);
        try
        {
            (RestoredState restored, WalDamage? damage, _) = OpenDamaged(disk);
            Assert.NotNull(damage);
            Assert.True(restored.HardState.IsRecovering);
        }
        catch (StoreDataException e)
        {
            Assert.Contains("remove it from the cluster", e.Message, StringComparison.Ordinal);
        }

        Assert.True(lastStart < 4096);
    }

    /// <summary>Goal: the vote of the batch before is not taken for that of a last batch of which only the end can be read.</summary>
    [Fact]
    public void Damage_over_the_border_of_the_last_two_batches_leaves_the_vote_unknown()
    {
        (MemoryDisk disk, string path, int lastStart) = OneSegment();
        Garble(disk, path, lastStart - 32, 80);

        var e = Assert.Throws<StoreDataException>(() => OpenDamaged(disk));

        Assert.Contains("nobody can say what this member voted", e.Message, StringComparison.Ordinal);
    }

    /// <summary>A crash leaves zeros where it wrote nothing, never anything else.</summary>
    [Fact]
    public void Garbled_end_of_the_last_batch_is_no_torn_write()
    {
        (MemoryDisk disk, string path, int lastStart) = OneSegment();
        int end = disk.Bytes(path).AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        Garble(disk, path, end - 40, 40);

        (RestoredState restored, WalDamage? damage, _) = OpenDamaged(disk);

        Assert.NotNull(damage);
        Assert.True(damage.Problem.Offset > lastStart);
        AssertKnown(restored, damage, batches: 5);
    }

    /// <summary>A segment is begun only with a batch to write: without those before it nobody knows the vote.</summary>
    [Fact]
    public void Segment_without_a_batch_and_without_those_before_it_is_refused()
    {
        MemoryDisk disk = ManySegments();
        IReadOnlyList<string> segments = Segments(disk);
        foreach (string earlier in segments.SkipLast(1))
        {
            disk.Delete(earlier);
        }

        byte[] bytes = disk.Bytes(segments[^1]);
        bytes.AsSpan(WalSegmentHeader.Bytes).Clear();
        disk.SetBytes(segments[^1], bytes);

        Assert.Throws<StoreDataException>(() => OpenDamaged(disk));
        string message = Assert.Throws<StoreDataException>(() => OpenDamaged(disk, new EntryId(60, 60))).Message;
        Assert.StartsWith($"memory/{segments[^1]}: found no batch, and no segment before it", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Damage_names_the_place_and_what_is_lost()
    {
        (MemoryDisk disk, string path, _) = OneSegment();
        int second = disk.Bytes(path).AsSpan().IndexOf("payload 2"u8);
        Flip(disk, path, second);

        (RestoredState restored, WalDamage? damage, _) = OpenDamaged(disk);

        Assert.Equal(["1.1 Command payload 1"], restored.Entries.Select(Text));
        Assert.Equal(new HardState(5, new NodeId(5), 1, IsRecovering: true), restored.HardState);
        Assert.NotNull(damage);
        Assert.Equal($"memory/{path}", damage.Problem.Path);
        Assert.InRange(damage.Problem.Offset, second - 40, second);
        Assert.StartsWith("a record with CRC ", damage.Problem.Found, StringComparison.Ordinal);
        Assert.Equal("entries 2 to at least 5", damage.Lost);
    }

    [Fact]
    public void Second_start_after_damage_still_knows_and_the_log_goes_on()
    {
        (MemoryDisk disk, string path, _) = OneSegment();
        byte[] before = disk.Bytes(path);
        Flip(disk, path, before.AsSpan().IndexOf("payload 3"u8));
        OpenDamaged(disk);
        Assert.Contains(path + ".damaged", disk.Paths);

        using (Wal wal = Open(disk.Copy(syncedOnly: true), out RestoredState second, out string? repaired))
        {
            Assert.Null(repaired);
            Assert.Equal(new HardState(5, new NodeId(5), 2, IsRecovering: true), second.HardState);
            Assert.Equal(2, second.Entries.Count);
        }

        using (Wal wal = Open(disk, out _, out _))
        {
            wal.Put(new HardState(6, null, 2), [Entry(6, 3, "healed")]);
        }

        using Wal again = Open(disk, out RestoredState restored, out _);
        Assert.Equal(["1.1 Command payload 1", "2.2 Command payload 2", "6.3 Command healed"], restored.Entries.Select(Text));
        Assert.False(restored.HardState.IsRecovering);
    }

    /// <summary>Goal: a power cut while the rest is written anew leaves the damage to be found, or the member that recovers.</summary>
    [Fact]
    public void Power_cut_while_damage_is_set_aside_forgets_nothing()
    {
        MemoryDisk disk = ManySegments();
        string second = Segments(disk)[1];
        Flip(disk, second, disk.Bytes(second).AsSpan().IndexOf("payload 14 "u8));
        var traced = new TracedDisk(disk);
        Wal.Open(traced, default, static (_, _) => { }, out RestoredState wanted, out _, SegmentBytes).Dispose();
        var random = new Random(1);
        var cut = new PowerCut(traced);
        foreach (DiskStep? step in traced.Steps.Append<DiskStep?>(null))
        {
            for (int i = 0; i < 20; i++)
            {
                (RestoredState restored, _, _) = OpenDamaged(cut.Leave(random, i / 19.0));

                Assert.Equal(wanted.HardState, restored.HardState);
                Assert.Equal(wanted.Entries.Select(Text), restored.Entries.Select(Text));
            }

            if (step is not null)
            {
                cut.Do(step);
            }
        }
    }

    [Fact]
    public void Nothing_on_the_disk_changes_when_the_damage_is_judged_to_be_final()
    {
        (MemoryDisk disk, string path, _) = OneSegment();
        Flip(disk, path, disk.Bytes(path).AsSpan().IndexOf("payload 3"u8));
        byte[] before = disk.Bytes(path);

        Assert.Throws<StoreDataException>(() => Wal.Open(
            disk, default, static (damage, _) => throw new StoreDataException(damage.ToString()), out _, out _, SegmentBytes));

        Assert.Equal([path], disk.Paths);
        Assert.Equal(before, disk.Bytes(path));
    }

    /// <summary>Goal: the term after the damage is found, however the segments lie around it.</summary>
    [Fact]
    public void Damage_in_any_segment_keeps_what_is_before_and_the_newest_vote()
    {
        MemoryDisk disk = ManySegments();
        IReadOnlyList<string> segments = Segments(disk);
        for (int i = 0; i < segments.Count; i++)
        {
            // The last batch is looked at above.
            int end = i < segments.Count - 1 ? SegmentBytes : disk.Bytes(segments[i]).AsSpan().IndexOf("payload 60"u8) - 100;
            for (int at = 0; at < end; at += 97)
            {
                MemoryDisk damaged = disk.Copy(syncedOnly: false);
                Flip(damaged, segments[i], at);
                (RestoredState restored, WalDamage? damage, _) = OpenDamaged(damaged);
                AssertKnown(restored, damage, Batches);
                (RestoredState second, WalDamage? gone, _) = OpenDamaged(damaged);
                Assert.Null(gone);
                Assert.Equal(restored.HardState, second.HardState);
                Assert.Equal(restored.Entries.Select(Text), second.Entries.Select(Text));
            }
        }
    }

    [Fact]
    public void Missing_segment_is_damage()
    {
        MemoryDisk disk = ManySegments();
        IReadOnlyList<string> segments = Segments(disk);
        for (int i = 0; i < segments.Count - 1; i++)
        {
            MemoryDisk damaged = disk.Copy(syncedOnly: false);
            damaged.Delete(segments[i]);

            (RestoredState restored, WalDamage? damage, _) = OpenDamaged(damaged);

            Assert.NotNull(damage);
            Assert.Contains("missing", damage.ToString(), StringComparison.Ordinal);
            Assert.Equal(i == 0, restored.Entries.Count == 0);
            AssertKnown(restored, damage, Batches);
        }
    }

    [Fact]
    public void Segment_whose_end_is_gone_is_damage()
    {
        MemoryDisk disk = ManySegments();
        string first = Segments(disk)[0];
        byte[] bytes = disk.Bytes(first);
        int lastBatch = bytes.AsSpan().LastIndexOf("payload"u8) - 100;
        bytes.AsSpan(lastBatch).Clear();
        disk.SetBytes(first, bytes);

        (RestoredState restored, WalDamage? damage, _) = OpenDamaged(disk);

        AssertKnown(restored, damage, Batches);
        Assert.NotNull(damage);
        Assert.Equal($"memory/{first}", damage.Problem.Path);
    }

    /// <summary>Goal: what a snapshot holds need not be readable in the log.</summary>
    [Fact]
    public void Damage_before_the_snapshot_loses_nothing()
    {
        MemoryDisk disk = ManySegments();
        string first = Segments(disk)[0];
        Flip(disk, first, disk.Bytes(first).AsSpan().IndexOf("payload 3 "u8));

        using Wal wal = Open(disk, out RestoredState restored, out string? repaired, new EntryId(50, 50));

        Assert.Contains("the snapshot holds what stood there", repaired, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(51, Batches - 50), restored.Entries.Select(e => (int)e.Id.Index));
        Assert.False(restored.HardState.IsRecovering);
    }

    /// <summary>The newest snapshot is damaged and the one before is older than the log.</summary>
    [Fact]
    public void Log_that_does_not_reach_back_to_a_usable_snapshot_is_damage_and_keeps_the_vote()
    {
        MemoryDisk disk = ManySegments();
        using (Wal wal = Open(disk, out _, out _))
        {
            wal.DropBefore(50);
        }

        (RestoredState restored, WalDamage? damage, _) = OpenDamaged(disk);

        Assert.NotNull(damage);
        Assert.Contains("segments are missing", damage.ToString(), StringComparison.Ordinal);
        Assert.Empty(restored.Entries);
        Assert.Equal(new HardState(Batches, new NodeId(Batches), 0, IsRecovering: true), restored.HardState);
    }

    /// <summary>Goal: an entry that was never committed is not taken for committed because its successor is lost.</summary>
    [Fact]
    public void Installed_snapshot_that_is_lost_is_damage_and_nothing_after_it_counts()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put(new HardState(1, null, 2), [Entry(1, 1, "a"), Entry(1, 2, "b"), Entry(1, 3, "never committed")]);
            wal.Mark(new HardState(4, null, 100), new EntryId(3, 100), [Entry(4, 101, "d")]);
        }

        (RestoredState restored, WalDamage? damage, _) = OpenDamaged(disk);

        Assert.NotNull(damage);
        Assert.Contains("replaced by the state at entry 3.100", damage.ToString(), StringComparison.Ordinal);
        Assert.Equal(new HardState(4, null, 2, IsRecovering: true), restored.HardState);
        Assert.Equal(3, restored.Entries.Count);
    }

    /// <summary>Zeros in a payload look like a sector that was never written; a later batch tells that it was.</summary>
    [Fact]
    public void Damage_beside_a_payload_of_zeros_is_no_torn_write_when_a_later_batch_is_committed()
    {
        var disk = new MemoryDisk();
        using (Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes))
        {
            wal.Put([new Entry(new EntryId(1, 1), EntryKind.Command, new byte[2048])]);
            wal.Put([Entry(1, 2, "acknowledged")]);
        }

        Flip(disk, Segments(disk)[0], WalSegmentHeader.Bytes + 45);

        Assert.NotNull(OpenDamaged(disk).Damage);
    }

    /// <summary>Goal: a header that can be told from what surrounds it loses nothing.</summary>
    [Fact]
    public void Damaged_header_is_made_again()
    {
        MemoryDisk disk = ManySegments();
        Flip(disk, Segments(disk)[1], 20);

        using Wal wal = Open(disk, out RestoredState restored, out string? repaired);

        Assert.Equal(Batches, restored.Entries.Count);
        Assert.Contains("made again", repaired, StringComparison.Ordinal);
    }

    /// <summary>Five batches in one segment; each of a term, a vote and a commit of its own.</summary>
    private static (MemoryDisk Disk, string Path, int LastStart) OneSegment()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        int start = 0;
        for (ulong i = 1; i <= 5; i++)
        {
            start = (int)wal.BytesWritten + WalSegmentHeader.Bytes;
            wal.Put(new HardState(i, new NodeId(i), i), [Entry(i, i, $"payload {i}")]);
        }

        return (disk, Segments(disk)[0], start);
    }

    private static void Garble(MemoryDisk disk, string path, int from, int count)
    {
        byte[] bytes = disk.Bytes(path);
        bytes.AsSpan(from, count).Fill(0xee);
        disk.SetBytes(path, bytes);
    }

    private static MemoryDisk ManySegments()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Identity, segmentBytes: SegmentBytes);
        for (ulong i = 1; i <= Batches; i++)
        {
            wal.Put(new HardState(i, new NodeId(i), i), [Entry(i, i, $"payload {i} {new string('x', 700)}")]);
        }

        return disk;
    }

    /// <summary>All is there, or the loss is known; in both cases only what was written, and the newest vote.</summary>
    private static void AssertKnown(RestoredState restored, WalDamage? damage, int batches)
    {
        Assert.Equal(Enumerable.Range(1, restored.Entries.Count), restored.Entries.Select(e => (int)e.Id.Index));
        Assert.All(restored.Entries, static e => Assert.StartsWith($"{e.Id.Index}.{e.Id.Index} Command payload {e.Id.Index}", Text(e), StringComparison.Ordinal));
        Assert.Equal(((ulong)batches, new NodeId((ulong)batches)), (restored.HardState.Term, restored.HardState.VotedFor!.Value));
        Assert.Equal(damage is not null, restored.HardState.IsRecovering);
        Assert.Equal(damage is null, restored.Entries.Count == batches);
        Assert.Equal((ulong)restored.Entries.Count, restored.HardState.Commit);
    }

    private static void AssertOpensWholeOrNotAtAll(MemoryDisk damaged)
    {
        try
        {
            Open(damaged, out RestoredState restored, out _).Dispose();
            Assert.Equal(5, restored.Entries.Count);
        }
        catch (StoreDataException e)
        {
            Assert.Contains("whose log it is", e.Message, StringComparison.Ordinal);
        }
    }
}
