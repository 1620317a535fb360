using System.Globalization;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using Discovery.Store.Tests.Keyspace;

namespace Discovery.Store.Tests.Log;

/// <summary>What becomes of snapshots that are written, damaged, sent, received and outlived.</summary>
public sealed class SnapshotFilesTests
{
    private static readonly WalIdentity Identity = new(11, 22);

    [Fact]
    public void Snapshot_gives_back_the_keyspace()
    {
        var disk = new MemoryDisk();
        KeyspaceView view = ViewOf(keys: 2000);
        SnapshotInfo saved = Files(disk).Save(view, new EntryId(3, 2000));

        (KeyspaceState state, SnapshotInfo info) = Files(disk.Copy(syncedOnly: true)).Load(Unexpected)!.Value;

        Assert.Equal(saved, info);
        Assert.Equal(new EntryId(3, 2000), info.At);
        Assert.True(info.Bytes > 2 * Limits.SnapshotPieceBytes);
        Assert.Equal(KeyspaceSnapshot.Of(view), KeyspaceSnapshot.Of(state.Publish()));
    }

    /// <summary>Goal: the sum may fall on either side of a chunk's border, and across it.</summary>
    [Fact]
    public void Snapshot_of_any_length_around_a_chunk_is_whole()
    {
        int chunk = Limits.SnapshotPieceBytes - SnapshotWriteStream.CheckBytes;
        for (int length = chunk - 40; length <= chunk + 2; length++)
        {
            var disk = new MemoryDisk();
            using (var stream = new SnapshotWriteStream(disk.Create("a")))
            {
                stream.Write(new byte[length]);
                stream.Finish();
            }

            Assert.Null(SnapshotReadStream.Verify(disk.Open("a"), "a", isChunked: true));
            byte[] damaged = disk.Bytes("a");
            damaged[^1] ^= 1;
            disk.SetBytes("a", damaged);
            Assert.NotNull(SnapshotReadStream.Verify(disk.Open("a"), "a", isChunked: true));
        }
    }

    [Fact]
    public void Damage_anywhere_passes_over_the_snapshot_and_names_the_place()
    {
        var disk = new MemoryDisk();
        SnapshotFiles files = Files(disk);
        files.Save(ViewOf(keys: 10), new EntryId(1, 10));
        files.Save(ViewOf(keys: 2000), new EntryId(2, 2000));
        string newest = Snapshots(disk)[^1];
        int length = disk.Bytes(newest).Length;
        for (int at = 0; at < length; at += at < 100 || at > length - 100 ? 1 : 9973)
        {
            MemoryDisk damaged = disk.Copy(syncedOnly: false);
            WalSample.Flip(damaged, newest, at);
            var said = new List<string>();
            SnapshotFiles again = Files(damaged);

            (KeyspaceState _, SnapshotInfo info) = again.Load(e => said.Add(e.Message))!.Value;

            Assert.Equal(new EntryId(1, 10), info.At);
            Assert.Equal(new EntryId(1, 10), again.Oldest);
            long chunk = at / Limits.SnapshotPieceBytes * Limits.SnapshotPieceBytes;
            Assert.StartsWith(
                at < 8 ? $"memory/{newest}, offset 0: found no snapshot" : $"memory/{newest}, offset {chunk}: found a chunk with CRC", Assert.Single(said), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Unusable_snapshots_do_not_count_as_kept_and_go_when_a_new_one_is_verified()
    {
        var disk = new MemoryDisk();
        Files(disk).Save(ViewOf(keys: 10), new EntryId(1, 10));
        Files(disk).Save(ViewOf(keys: 20), new EntryId(1, 20));
        WalSample.Flip(disk, Snapshots(disk)[1], 90);
        SnapshotFiles files = Files(disk);
        _ = files.Load(static _ => { });

        files.Save(ViewOf(keys: 30), new EntryId(1, 30));

        Assert.Equal(["000000000000000a", "000000000000001e"], Snapshots(disk).Select(static path => Path.GetFileName(path)[..16]));
    }

    [Fact]
    public void All_damaged_gives_nothing_and_keeps_the_files()
    {
        var disk = new MemoryDisk();
        Files(disk).Save(ViewOf(keys: 10), new EntryId(1, 10));
        WalSample.Flip(disk, Snapshots(disk)[0], 90);
        SnapshotFiles files = Files(disk);

        Assert.Null(files.Load(static _ => { }));

        Assert.True(files.Exists);
        Assert.Equal(default, files.Oldest);
    }

    [Fact]
    public void Newer_and_foreign_snapshots_are_refused_in_one_line()
    {
        var disk = new MemoryDisk();
        Files(disk).Save(ViewOf(keys: 10), new EntryId(1, 10));
        string path = Snapshots(disk)[0];

        var foreign = Assert.Throws<StoreDataException>(() => new SnapshotFiles(disk, new WalIdentity(12, 22)).Load(Unexpected));
        Assert.Equal($"memory/{path}: found a snapshot of cluster 000000000000000b, wanted 000000000000000c", foreign.Message);

        byte[] newer = disk.Bytes(path);
        newer[8] = 3;
        BitConverter.TryWriteBytes(newer.AsSpan(newer.Length - 4), SnapshotWriteStream.Check(newer.AsSpan(0, newer.Length - 4), 0));
        disk.SetBytes(path, newer);
        var refused = Assert.Throws<StoreDataException>(() => Files(disk).Load(Unexpected));
        Assert.Equal($"memory/{path} has format version 3; this program reads 1 to 2: start the newer program that wrote it", refused.Message);
    }

    [Fact]
    public void Received_snapshot_becomes_the_newest_although_another_member_wrote_it()
    {
        (SnapshotFiles source, EntryId at, KeyspaceView view) = Source();
        var disk = new MemoryDisk();
        var files = new SnapshotFiles(disk, new WalIdentity(11, 33));
        files.Save(ViewOf(keys: 3), new EntryId(1, 3));
        SnapshotReceiver receiver = files.Receive(at);
        Fetch(source, receiver);

        (KeyspaceState state, SnapshotInfo info) = files.Install(receiver);

        Assert.Equal(at, info.At);
        Assert.Equal(KeyspaceSnapshot.Of(view), KeyspaceSnapshot.Of(state.Publish()));
        Assert.Equal(at, new SnapshotFiles(disk.Copy(syncedOnly: true), new WalIdentity(11, 33)).Load(Unexpected)!.Value.Info.At);
        Assert.Equal(2, Snapshots(disk).Count);
    }

    [Fact]
    public void Receiver_takes_lost_repeated_and_damaged_pieces_for_what_they_are()
    {
        (SnapshotFiles source, EntryId at, _) = Source();
        SnapshotReceiver receiver = Files(new MemoryDisk()).Receive(at);
        SnapshotPiece first = source.ReadPiece(at, 0);
        byte[] damaged = first.Bytes.ToArray();
        damaged[7] ^= 1;

        Assert.False(receiver.Take(Limits.SnapshotPieceBytes, source.ReadPiece(at, Limits.SnapshotPieceBytes)));
        Assert.False(receiver.Take(0, first with { Bytes = damaged }));
        Assert.False(receiver.Take(0, first with { TotalBytes = Limits.SnapshotBytesMax + 1 }));
        Assert.True(receiver.Take(0, first));
        Assert.False(receiver.Take(0, first));
        Assert.Equal(Limits.SnapshotPieceBytes, receiver.Offset);
    }

    [Fact]
    public void Received_file_that_is_not_what_was_announced_gets_no_name()
    {
        (SnapshotFiles source, EntryId at, _) = Source();
        var disk = new MemoryDisk();
        SnapshotReceiver other = Files(disk).Receive(new EntryId(9, 9));
        long offset = 0;
        do
        {
            Assert.True(other.Take(offset, source.ReadPiece(at, offset)));
            offset = other.Offset;
        }
        while (!other.IsWhole);

        var e = Assert.Throws<StoreDataException>(() => Files(disk).Install(other));

        Assert.Equal($"memory/member/snap/received.tmp: found the state at {at}, wanted 9.9, as announced", e.Message);
        Assert.Empty(Snapshots(disk));
    }

    [Fact]
    public void Snapshot_that_the_disk_damages_while_it_is_sent_is_not_sent_on()
    {
        var disk = new MemoryDisk();
        SnapshotFiles files = Files(disk);
        files.Save(ViewOf(keys: 2000), new EntryId(1, 2000));
        WalSample.Flip(disk, Snapshots(disk)[0], Limits.SnapshotPieceBytes + 5);

        Assert.NotEqual(0, files.ReadPiece(new EntryId(1, 2000), 0).TotalBytes);
        Assert.Equal(0, files.ReadPiece(new EntryId(1, 2000), Limits.SnapshotPieceBytes).TotalBytes);
        Assert.Equal(default, files.Oldest);
    }

    [Fact]
    public void Snapshot_that_is_being_fetched_outlives_newer_ones()
    {
        var disk = new MemoryDisk();
        SnapshotFiles files = Files(disk);
        files.Save(ViewOf(keys: 10), new EntryId(1, 10));
        files.Held = [new EntryId(1, 10)];
        for (int i = 20; i < 60; i += 10)
        {
            files.Save(ViewOf(keys: i), new EntryId(1, (ulong)i));
        }

        Assert.NotEqual(0, files.ReadPiece(new EntryId(1, 10), 0).TotalBytes);

        files.Held = [];
        files.Save(ViewOf(keys: 60), new EntryId(1, 60));
        Assert.Equal(0, files.ReadPiece(new EntryId(1, 10), 0).TotalBytes);
        Assert.Equal(2, Snapshots(disk).Count);
    }

    private static SnapshotFiles Files(MemoryDisk disk) => new(disk, Identity);

    private static (SnapshotFiles Files, EntryId At, KeyspaceView View) Source()
    {
        KeyspaceView view = ViewOf(keys: 2000);
        SnapshotFiles files = Files(new MemoryDisk());
        return (files, files.Save(view, new EntryId(4, 2000)).At, view);
    }

    private static void Fetch(SnapshotFiles source, SnapshotReceiver receiver)
    {
        while (!receiver.IsWhole)
        {
            Assert.True(receiver.Take(receiver.Offset, source.ReadPiece(receiver.At, receiver.Offset)));
        }
    }

    private static KeyspaceView ViewOf(int keys)
    {
        var store = new KeyspaceDriver();
        for (int i = 0; i < keys; i++)
        {
            store.Put($"key {i}", i.ToString(new string('0', 300), CultureInfo.InvariantCulture));
        }

        return store.View;
    }

    private static IReadOnlyList<string> Snapshots(MemoryDisk disk) =>
        [.. disk.Paths.Where(static path => path.EndsWith(".snap", StringComparison.Ordinal))];

    private static void Unexpected(StoreDataException e) => Assert.Fail(e.Message);
}
