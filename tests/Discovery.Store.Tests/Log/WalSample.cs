using System.Text;
using Discovery.Raft;
using Discovery.Store.Log;

namespace Discovery.Store.Tests.Log;

/// <summary>What the tests of the log write and how they look at what it gives back.</summary>
internal static class WalSample
{
    /// <summary>Small, so that a few batches fill a segment.</summary>
    public const int SegmentBytes = 8 * 1024;

    public static readonly WalIdentity Identity = new(11, 22);

    /// <summary>Writes one batch.</summary>
    public static void Put(this Wal wal, HardState state, params IReadOnlyList<Entry> entries) =>
        wal.Write(new PersistBatch { HardState = state, Entries = entries });

    /// <summary>Writes one batch of the term of its entries.</summary>
    public static void Put(this Wal wal, params IReadOnlyList<Entry> entries) => wal.Put(new HardState(entries[^1].Id.Term, null, 0), entries);

    /// <summary>Writes that a snapshot was installed.</summary>
    public static void Mark(this Wal wal, HardState state, EntryId snapshot, params IReadOnlyList<Entry> entries) =>
        wal.Write(new PersistBatch { HardState = state, Snapshot = snapshot, Entries = entries });

    public static Entry Entry(ulong term, ulong index, string payload) =>
        new(new EntryId(term, index), EntryKind.Command, Encoding.UTF8.GetBytes(payload));

    public static Entry NoOp(ulong term, ulong index) => new(new EntryId(term, index), EntryKind.NoOp, default);

    public static string Text(Entry entry) => $"{entry.Id} {entry.Kind} {Encoding.UTF8.GetString(entry.Payload.Span)}";

    /// <summary>Opens a log that must be whole.</summary>
    public static Wal Open(MemoryDisk disk, out RestoredState restored, out string? repaired, EntryId snapshot = default) =>
        Wal.Open(disk, snapshot, static (damage, _) => Assert.Fail(damage.ToString()), out restored, out repaired, SegmentBytes);

    /// <summary>Opens a log that is damaged where peers can heal it.</summary>
    public static (RestoredState Restored, WalDamage? Damage, string? Repaired) OpenDamaged(MemoryDisk disk, EntryId snapshot = default)
    {
        WalDamage? found = null;
        Wal.Open(disk, snapshot, (damage, _) => found = damage, out RestoredState restored, out string? repaired, SegmentBytes).Dispose();
        return (restored, found, repaired);
    }

    public static IReadOnlyList<string> Segments(MemoryDisk disk) =>
        [.. disk.Paths.Where(path => path.EndsWith(".wal", StringComparison.Ordinal))];

    /// <summary>Changes one bit of a file.</summary>
    public static void Flip(MemoryDisk disk, string path, int at, byte bits = 0x10)
    {
        byte[] bytes = disk.Bytes(path);
        bytes[at] ^= bits;
        disk.SetBytes(path, bytes);
    }
}
