using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Discovery.Raft;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Log;

/// <summary>A snapshot that was read, or written and read again.</summary>
/// <param name="At">The last entry that it holds.</param>
/// <param name="Bytes">Its size on disk.</param>
internal readonly record struct SnapshotInfo(EntryId At, long Bytes);

/// <summary>
/// The snapshots of a data directory. A file: magic (8), format version (4), cluster id (8), member id (8), term (8),
/// index (8), the keyspace, SHA-256 of everything before (32). It gets its name only when all of it is durable.
/// </summary>
internal sealed class SnapshotFiles(IDisk disk, WalIdentity identity)
{
    public const string Folder = "member/snap";
    private const string ReceivedPath = Folder + "/received.tmp";
    private const int HeaderBytes = 44;
    private const int FormatVersion = 1;
    private const int BufferBytes = 256 * 1024;

    private static ReadOnlySpan<byte> Magic => "DSCVSNAP"u8;

    /// <summary>Bytes of all snapshots.</summary>
    public long DiskBytes
    {
        get
        {
            long bytes = 0;
            foreach (string name in Names())
            {
                using IDiskFile file = disk.Open(PathOf(name));
                bytes += file.Length;
            }

            return bytes;
        }
    }

    /// <summary>The entry of the oldest snapshot kept: the log must reach back to it.</summary>
    public EntryId Oldest => Names() is [var first, ..] ? EntryOf(first) : default;

    /// <summary>Writes a snapshot, reads it again, and only then removes those that are no longer needed.</summary>
    public SnapshotInfo Save(KeyspaceView view, EntryId at)
    {
        disk.CreateFolder(Folder);
        string temporary = $"{Folder}/next.tmp";
        long length = Write(temporary, view, at);
        VerifyHash(temporary, length);
        disk.Rename(temporary, PathOf(NameOf(at)));
        disk.SyncFolder(Folder);
        IReadOnlyList<string> names = Names();
        foreach (string old in names.Take(names.Count - Limits.SnapshotsKept))
        {
            disk.Delete(PathOf(old));
        }

        return new SnapshotInfo(at, length);
    }

    /// <summary>
    /// Reads the newest snapshot that is whole. A damaged one is passed over for the one before, from which the log goes
    /// on; null when there is none at all.
    /// </summary>
    /// <exception cref="StoreDataException">There are snapshots, and none can be used.</exception>
    public (KeyspaceState State, SnapshotInfo Info)? Load(Action<StoreDataException> onDamaged)
    {
        StoreDataException? last = null;
        foreach (string name in Names().Reverse())
        {
            try
            {
                return Read(name);
            }
            catch (StoreDataException e)
            {
                onDamaged(e);
                last = e;
            }
        }

        return last is null ? null : throw last;
    }

    /// <summary>A piece of a snapshot's file, for another member; default when there is no such snapshot (any more).</summary>
    public SnapshotPiece ReadPiece(EntryId at, long offset)
    {
        if (!Names().Contains(NameOf(at)))
        {
            return default;
        }

        using IDiskFile file = disk.Open(PathOf(NameOf(at)));
        byte[] bytes = new byte[(int)Math.Clamp(file.Length - offset, 0, Limits.SnapshotPieceBytes)];
        int read = file.Read(offset, bytes);
        return new SnapshotPiece(file.Length, Crc32C.Compute(bytes.AsSpan(0, read)), bytes.AsMemory(0, read));
    }

    /// <summary>Begins to take a snapshot over from another member.</summary>
    public SnapshotReceiver Receive(EntryId at)
    {
        disk.CreateFolder(Folder);
        return new SnapshotReceiver(disk.Create(ReceivedPath), at);
    }

    /// <summary>
    /// Checks a snapshot that was received whole, gives it its name and reads it. The receiver is closed. Those kept
    /// before stay: they are of use until the next is saved.
    /// </summary>
    /// <exception cref="StoreDataException">It is not what was announced.</exception>
    public (KeyspaceState State, SnapshotInfo Info) Install(SnapshotReceiver received)
    {
        received.Close();
        disk.Rename(ReceivedPath, PathOf(NameOf(received.At)));
        disk.SyncFolder(Folder);
        (KeyspaceState state, SnapshotInfo info) = Read(NameOf(received.At));
        return info.At == received.At
            ? (state, info)
            : throw new StoreDataException($"{Shown(PathOf(NameOf(received.At)))}: found the state at {info.At}, wanted {received.At}");
    }

    private long Write(string path, KeyspaceView view, EntryId at)
    {
        using IDiskFile file = disk.Create(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var hashing = new HashingStream(new DiskStream(file, long.MaxValue), hash);
        using var buffered = new BufferedStream(hashing, BufferBytes);
        using var writer = new BinaryWriter(buffered, Encoding.UTF8);
        writer.Write(Magic);
        writer.Write(FormatVersion);
        writer.Write(identity.ClusterId);
        writer.Write(identity.MemberId);
        writer.Write(at.Term);
        writer.Write(at.Index);
        KeyspaceCodec.Write(view, writer);
        writer.Flush();
        byte[] sum = hash.GetHashAndReset();
        file.Write(hashing.Position, sum);
        file.Sync();
        return hashing.Position + sum.Length;
    }

    private (KeyspaceState State, SnapshotInfo Info) Read(string name)
    {
        string shown = Shown(PathOf(name));
        using IDiskFile file = disk.Open(PathOf(name));
        long length = file.Length;
        using var reader = new BinaryReader(new BufferedStream(new DiskStream(file, length), BufferBytes), Encoding.UTF8);
        if (length < HeaderBytes + SHA256.HashSizeInBytes || !reader.ReadBytes(Magic.Length).AsSpan().SequenceEqual(Magic))
        {
            throw new StoreDataException($"{shown}, offset 0: found no snapshot of this store; move the file away if it is none of its data");
        }

        int version = reader.ReadInt32();
        if (version != FormatVersion)
        {
            throw new StoreDataException($"{shown} has format version {version}; this program reads {FormatVersion}: start the newer program that wrote it");
        }

        VerifyHash(PathOf(name), length);
        var found = new WalIdentity(reader.ReadUInt64(), reader.ReadUInt64());
        if (found.ClusterId != identity.ClusterId)
        {
            throw new StoreDataException($"{shown}: found a snapshot of cluster {found.ClusterId:x16}, wanted {identity.ClusterId:x16}");
        }

        ulong term = reader.ReadUInt64();
        var at = new EntryId(term, reader.ReadUInt64());
        return (KeyspaceCodec.Read(reader), new SnapshotInfo(at, length));
    }

    private void VerifyHash(string path, long length)
    {
        using IDiskFile file = disk.Open(path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long body = length - SHA256.HashSizeInBytes;
        byte[] buffer = new byte[BufferBytes];
        for (long at = 0; at < body;)
        {
            int read = file.Read(at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, body - at)));
            if (read == 0)
            {
                throw new StoreDataException($"{Shown(path)}, offset {at}: found the end of the file, wanted {length} bytes");
            }

            hash.AppendData(buffer, 0, read);
            at += read;
        }

        byte[] wanted = new byte[SHA256.HashSizeInBytes];
        file.Read(body, wanted);
        byte[] found = hash.GetHashAndReset();
        if (!found.AsSpan().SequenceEqual(wanted))
        {
            throw new StoreDataException(
                $"{Shown(path)}: its bytes have SHA-256 {Convert.ToHexStringLower(found)[..16]}…, its end says {Convert.ToHexStringLower(wanted)[..16]}…: the file is corrupt");
        }
    }

    private IReadOnlyList<string> Names() =>
        [.. disk.List(Folder).Where(static name => name.EndsWith(".snap", StringComparison.Ordinal) && name.Length == 38)];

    private static string NameOf(EntryId at) => $"{at.Index:x16}-{at.Term:x16}.snap";

    private static EntryId EntryOf(string name) => new(
        ulong.Parse(name.AsSpan(17, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
        ulong.Parse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));

    private static string PathOf(string name) => $"{Folder}/{name}";

    private string Shown(string path) => Path.Combine(disk.Root, path);

    /// <summary>Sums what passes through to the file.</summary>
    private sealed class HashingStream(DiskStream inner, IncrementalHash hash) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => inner.Position;

        public override long Position
        {
            get => inner.Position;
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            hash.AppendData(buffer);
            inner.Write(buffer);
        }

        public override void Flush()
        {
            // The file is synced by who made it, once.
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
