using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Discovery.Raft;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Log;

/// <summary>A snapshot that was read, or written and read again.</summary>
/// <param name="At">The last entry that it holds.</param>
/// <param name="Bytes">Its size on disk.</param>
internal readonly record struct SnapshotInfo(EntryId At, long Bytes);

/// <summary>
/// The snapshots of a data directory. What a file holds: a <see cref="SnapshotHeader"/>, the keyspace, SHA-256 of both;
/// cut in chunks of <see cref="Limits.SnapshotPieceBytes"/>, the last 4 bytes of which are a CRC. It gets its name only
/// when all of it is durable and verified. From any thread, but only one at a
/// time saves or installs.
/// </summary>
internal sealed class SnapshotFiles(IDisk disk, WalIdentity identity)
{
    public const string Folder = "member/snap";
    private const string SavingPath = Folder + "/next.tmp";
    private const string ReceivedPath = Folder + "/received.tmp";

    private readonly Lock _gate = new();
    private readonly HashSet<string> _damaged = [];
    private ImmutableArray<EntryId> _held = [];

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

    /// <summary>The entry of the oldest usable snapshot kept: the log must reach back to it.</summary>
    public EntryId Oldest => Usable() is [var first, ..] ? EntryOf(first) : default;

    /// <summary>Entries whose snapshots stay although they are old: somebody is fetching them.</summary>
    public ImmutableArray<EntryId> Held
    {
        set
        {
            lock (_gate)
            {
                _held = value;
            }
        }
    }

    /// <summary>Whether there is any file, usable or not.</summary>
    public bool Exists => Names().Count > 0;

    /// <summary>Writes a snapshot, reads it again, and only then removes those that are no longer needed.</summary>
    /// <exception cref="StoreDataException">What was read again is not what was written.</exception>
    public SnapshotInfo Save(KeyspaceView view, EntryId at)
    {
        disk.CreateFolder(Folder);
        Write(view, at);
        if (Verify(SavingPath, out _) is { } problem)
        {
            throw new StoreDataException($"{problem}: the disk does not give back what was written to it");
        }

        return Keep(SavingPath, at);
    }

    /// <summary>
    /// Reads the newest snapshot that is whole. A damaged one is passed over for the one before, from which the log goes
    /// on; null when there is none that can be used.
    /// </summary>
    /// <exception cref="StoreDataException">One is newer than this program, or of another cluster.</exception>
    public (KeyspaceState State, SnapshotInfo Info)? Load(Action<StoreDataException> onDamaged)
    {
        foreach (string leftover in disk.List(Folder).Where(static name => name.EndsWith(".tmp", StringComparison.Ordinal)))
        {
            disk.Delete(PathOf(leftover));
        }

        foreach (string name in Enumerable.Reverse(Names()))
        {
            if (Verify(PathOf(name), out SnapshotHeader header) is not { } problem)
            {
                return (Read(PathOf(name), header), new SnapshotInfo(header.At, LengthOf(PathOf(name))));
            }

            onDamaged(new StoreDataException(problem.ToString()));
            lock (_gate)
            {
                _damaged.Add(name);
            }
        }

        return null;
    }

    /// <summary>
    /// A piece of a snapshot's file, for another member; default when there is no such snapshot (any more), or the disk
    /// does not give back what was written.
    /// </summary>
    public SnapshotPiece ReadPiece(EntryId at, long offset)
    {
        string name = NameOf(at);
        if (!Usable().Contains(name))
        {
            return default;
        }

        try
        {
            using IDiskFile file = disk.Open(PathOf(name));
            byte[] bytes = new byte[(int)Math.Clamp(file.Length - offset, 0, Limits.SnapshotPieceBytes)];
            int read = file.Read(offset, bytes);
            bool isWholeChunk = read > 0 && offset % Limits.SnapshotPieceBytes == 0 && IsChunked(file);
            if (read == bytes.Length && (!isWholeChunk || SnapshotReadStream.ProblemOf(bytes, Shown(PathOf(name)), offset) is null))
            {
                return new SnapshotPiece(file.Length, Crc32C.Compute(bytes), bytes);
            }
        }
        catch (IOException)
        {
            // Below: a file that cannot be read is as good as none.
        }

        lock (_gate)
        {
            _damaged.Add(name);
        }

        return default;
    }

    /// <summary>Begins to take a snapshot over from another member; one that was begun before is given up.</summary>
    public SnapshotReceiver Receive(EntryId at)
    {
        disk.CreateFolder(Folder);
        return new SnapshotReceiver(disk.Create(ReceivedPath), at);
    }

    /// <summary>
    /// Ends what was received whole, and reads it. It gets its name when it is durable and verified: by its sums, by its
    /// cluster, and by the entry that was announced. Then the log must get its mark. The receiver is closed.
    /// </summary>
    /// <exception cref="StoreDataException">It is not what was announced; nothing was changed, it must be fetched again.</exception>
    public (KeyspaceState State, SnapshotInfo Info) Install(SnapshotReceiver received)
    {
        received.Close();
        if (Verify(ReceivedPath, out SnapshotHeader header) is { } problem)
        {
            throw new StoreDataException($"{problem}: what was received is damaged");
        }

        if (header.At != received.At)
        {
            throw new StoreDataException($"{Shown(ReceivedPath)}: found the state at {header.At}, wanted {received.At}, as announced");
        }

        KeyspaceState state = Read(ReceivedPath, header);
        return (state, Keep(ReceivedPath, header.At));
    }

    private void Write(KeyspaceView view, EntryId at)
    {
        using IDiskFile file = disk.Create(SavingPath);
        using var chunks = new SnapshotWriteStream(file);
        using var writer = new BinaryWriter(chunks, Encoding.UTF8);
        Span<byte> header = stackalloc byte[SnapshotHeader.Bytes];
        new SnapshotHeader(SnapshotHeader.LatestVersion, identity, at).Write(header);
        writer.Write(header);
        KeyspaceCodec.Write(view, writer);
        writer.Flush();
        chunks.Finish();
    }

    /// <summary>Looks whether a file is whole and ours; what is wrong, or null.</summary>
    private FileProblem? Verify(string path, out SnapshotHeader header)
    {
        string shown = Shown(path);
        header = default;
        try
        {
            using IDiskFile file = disk.Open(path);
            Span<byte> first = stackalloc byte[SnapshotHeader.Bytes];
            int read = file.Read(0, first);
            if (SnapshotHeader.Read(first[..read]) is not { } found)
            {
                return new FileProblem(shown, 0, "no snapshot of this store", "its header");
            }

            header = found;
            if (found.Version is 0 or > SnapshotHeader.LatestVersion)
            {
                return ProblemOfUnknown(file, shown, found.Version);
            }

            if (SnapshotReadStream.Verify(file, shown, found.IsChunked) is { } problem)
            {
                return problem;
            }
        }
        catch (IOException e)
        {
            return new FileProblem(shown, 0, e.Message, "a file that can be read");
        }

        return header.Writer.ClusterId == identity.ClusterId
            ? null
            : throw new StoreDataException($"{shown}: found a snapshot of cluster {header.Writer.ClusterId:x16}, wanted {identity.ClusterId:x16}");
    }

    /// <summary>A version that was changed by damage does not fit the check of the first chunk.</summary>
    private static FileProblem ProblemOfUnknown(IDiskFile file, string shown, uint version)
    {
        byte[] chunk = new byte[Limits.SnapshotPieceBytes];
        int read = file.Read(0, chunk);
        return SnapshotReadStream.ProblemOf(chunk.AsSpan(0, read), shown, 0) ?? throw new StoreDataException(
            $"{shown} has format version {version}; this program reads 1 to {SnapshotHeader.LatestVersion}: start the newer program that wrote it");
    }

    private static bool IsChunked(IDiskFile file)
    {
        Span<byte> first = stackalloc byte[SnapshotHeader.Bytes];
        return SnapshotHeader.Read(first[..file.Read(0, first)]) is not { IsChunked: false };
    }

    private KeyspaceState Read(string path, SnapshotHeader header)
    {
        using IDiskFile file = disk.Open(path);
        using var reader = new BinaryReader(new SnapshotReadStream(file, header.IsChunked), Encoding.UTF8);
        reader.BaseStream.ReadExactly(stackalloc byte[SnapshotHeader.Bytes]);
        return KeyspaceCodec.Read(reader);
    }

    /// <summary>Gives a verified file its name; only then those that are no longer needed go.</summary>
    private SnapshotInfo Keep(string temporary, EntryId at)
    {
        string name = NameOf(at);
        long bytes = LengthOf(temporary);
        disk.Rename(temporary, PathOf(name));
        disk.SyncFolder(Folder);
        lock (_gate)
        {
            _damaged.Remove(name);
            HashSet<string> kept = [.. Usable().TakeLast(Limits.SnapshotsKept), .. _held.Select(NameOf)];
            foreach (string old in Names().Where(old => !kept.Contains(old)))
            {
                disk.Delete(PathOf(old));
            }
        }

        return new SnapshotInfo(at, bytes);
    }

    private long LengthOf(string path)
    {
        using IDiskFile file = disk.Open(path);
        return file.Length;
    }

    private List<string> Usable()
    {
        lock (_gate)
        {
            return [.. Names().Where(name => !_damaged.Contains(name))];
        }
    }

    private List<string> Names() =>
        [.. disk.List(Folder).Where(static name => name.EndsWith(".snap", StringComparison.Ordinal) && name.Length == 38)];

    private static string NameOf(EntryId at) => $"{at.Index:x16}-{at.Term:x16}.snap";

    private static EntryId EntryOf(string name) => new(
        ulong.Parse(name.AsSpan(17, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
        ulong.Parse(name.AsSpan(0, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));

    private static string PathOf(string name) => $"{Folder}/{name}";

    private string Shown(string path) => Path.Combine(disk.Root, path);
}
