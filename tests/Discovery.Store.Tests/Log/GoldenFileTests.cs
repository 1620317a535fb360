using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using Discovery.Store.Tests.Keyspace;
using static Discovery.Store.Tests.Log.WalSample;

namespace Discovery.Store.Tests.Log;

/// <summary>What released versions wrote to disks: bytes that every later version must read, never to be changed here.</summary>
public sealed class GoldenFileTests
{
    private const int SegmentFileBytes = 512;

    /// <summary>A hard state and a no-op; two commands; a hard state and a no-op that overwrites the second. Zeros follow.</summary>
    private const string Segment1 =
        "4453435657414C0A01000000400000000000000000000000111100000000000022220000000000000100000000000000000000004FE8626A"
        + "0000000000000000180000000200000059618BBC010000000000000022220000000000000000000000000000000000001100000001000000"
        + "7EFA274201000000000000000100000000000000010000001000000003000000D4724027400000000000000002000000051EFBF800000000"
        + "14000000010000002F791C25010000000000000002000000000000000074776F16000000010000002698DB82010000000000000003000000"
        + "000000000074687265650000000000001000000003000000CCC034DEA80000000000000002000000F9761018000000001800000002000000"
        + "A091DD3D0200000000000000000000000000000002000000000000000000000011000000010000008EFEA6C6020000000000000003000000"
        + "0000000001000000100000000300000076AC5AD51001000000000000020000000DB9DD76";

    /// <summary>A no-op; two commands; a mark of snapshot 1.2, recovering, and a no-op. Zeros follow.</summary>
    private const string Segment2 =
        "4453435657414C0A02000000400000000000000000000000111100000000000022220000000000000100000000000000000000000E8491CA"
        + "00000000000000001900000002000000312F7BEA010000000000000022220000000000000000000000000000000000001100000001000000"
        + "A00864A801000000000000000100000000000000010000001000000003000000BC38B86C400000000000000002000000051EFBF800000000"
        + "19000000020000003CD1DF91010000000000000022220000000000000100000000000000000000001400000001000000BCEF9DED01000000"
        + "0000000002000000000000000074776F16000000010000002170E41101000000000000000300000000000000007468726565000000000000"
        + "100000000300000084CA10C6A8000000000000000300000099916A260000000019000000020000000A98C2EB020000000000000000000000"
        + "0000000002000000000000000100000010000000040000007DFD13B701000000000000000200000000000000000000001100000001000000"
        + "A713587B020000000000000003000000000000000100000010000000030000005D8AE521380100000000000003000000D05DE4AD";

    /// <summary>At entry 1.2: a put of "a" = 1, of "b" = 2.</summary>
    private const string Snapshot1 =
        "44534356534E4150010000001111000000000000222200000000000001000000000000000200000000000000010000000300000000000000"
        + "000000000000000002000000000000000000000000010000000C0000000A01611002180220012A0131010000000C0000000A016210031803"
        + "20012A013255328EC43D1FEB609DD1CAACEA1AD1FAAC1CFBF8FDBB3E49A96892EB673CDE4D";

    /// <summary>The same, in checked chunks and with a keyspace of version 2.</summary>
    private const string Snapshot2 =
        "44534356534E4150020000001111000000000000222200000000000001000000000000000200000000000000020000000300000000000000"
        + "000000000000000002000000000000000000000000000000000000000000000000010000000C0000000A01611002180220012A0131010000"
        + "000C0000000A01621003180320012A0132AEF4309F77255F12C111C80C61A02B26E93E0E411F2E3841D446C68347C384F6EBB31E16";

    private static readonly WalIdentity Writer = new(0x1111, 0x2222);

    [Fact]
    public void Segment_of_version_1_is_read_and_gone_on_with()
    {
        MemoryDisk disk = WithSegment(Segment1);

        using (Wal wal = Open(disk, out RestoredState restored, out string? repaired))
        {
            Assert.Null(repaired);
            Assert.Equal(Writer, wal.Identity);
            Assert.Equal(new HardState(2, null, 2), restored.HardState);
            Assert.Equal(["1.1 NoOp ", "1.2 Command two", "2.3 NoOp "], restored.Entries.Select(Text));
            wal.Put(new HardState(3, null, 3), Entry(3, 4, "four"));
        }

        using Wal again = Open(disk, out RestoredState after, out _);
        Assert.Equal(new HardState(3, null, 3), after.HardState);
        Assert.Equal("3.4 Command four", Text(after.Entries[^1]));
    }

    [Fact]
    public void Segment_of_version_2_is_read()
    {
        using Wal wal = Open(WithSegment(Segment2), out RestoredState restored, out string? repaired, new EntryId(1, 2));

        Assert.Null(repaired);
        Assert.Equal(Writer, wal.Identity);
        Assert.Equal(new HardState(2, null, 2, IsRecovering: true), restored.HardState);
        Assert.Equal(["2.3 NoOp "], restored.Entries.Select(Text));
    }

    [Fact]
    public void Segment_is_written_as_it_was_released()
    {
        var disk = new MemoryDisk();
        using Wal wal = Wal.Create(disk, Writer, segmentBytes: SegmentFileBytes);
        wal.Put(new HardState(1, new NodeId(0x2222), 0), NoOp(1, 1));
        wal.Put(new HardState(1, new NodeId(0x2222), 1), Entry(1, 2, "two"), Entry(1, 3, "three"));
        wal.Mark(new HardState(2, null, 2, IsRecovering: true), new EntryId(1, 2), NoOp(2, 3));

        Assert.Equal(Segment2, Convert.ToHexString(disk.Bytes(Segments(disk)[0]).AsSpan().TrimEnd((byte)0)));
    }

    [Theory]
    [InlineData(Snapshot1)]
    [InlineData(Snapshot2)]
    public void Snapshot_of_every_version_is_read(string hex)
    {
        var disk = new MemoryDisk();
        disk.SetBytes("member/snap/0000000000000002-0000000000000001.snap", Convert.FromHexString(hex));

        (KeyspaceState state, SnapshotInfo info) = new SnapshotFiles(disk, Writer).Load(static e => Assert.Fail(e.Message))!.Value;

        Assert.Equal(new SnapshotInfo(new EntryId(1, 2), hex.Length / 2), info);
        Assert.Equal("2", state.Publish().Range(new RangeRequest { Key = KeyspaceDriver.Bytes("b") }).Kvs.Single().Value.ToStringUtf8());
    }

    /// <summary>A member of an older version sends what it has.</summary>
    [Theory]
    [InlineData(Snapshot1)]
    [InlineData(Snapshot2)]
    public void Snapshot_of_every_version_is_sent_and_taken(string hex)
    {
        var disk = new MemoryDisk();
        disk.SetBytes("member/snap/0000000000000002-0000000000000001.snap", Convert.FromHexString(hex));
        var at = new EntryId(1, 2);
        var files = new SnapshotFiles(new MemoryDisk(), new WalIdentity(0x1111, 0x3333));
        SnapshotReceiver receiver = files.Receive(at);

        Assert.True(receiver.Take(0, new SnapshotFiles(disk, Writer).ReadPiece(at, 0)));

        Assert.Equal(3, files.Install(receiver).State.Revision);
    }

    private static MemoryDisk WithSegment(string hex)
    {
        byte[] file = new byte[SegmentFileBytes];
        Convert.FromHexString(hex).CopyTo(file, 0);
        var disk = new MemoryDisk();
        disk.SetBytes("member/wal/0000000000000000-0000000000000001.wal", file);
        return disk;
    }
}
