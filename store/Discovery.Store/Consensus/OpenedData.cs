using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;

namespace Discovery.Store.Consensus;

/// <summary>What a data directory holds, read and locked.</summary>
/// <param name="Lock">Keeps other processes out.</param>
/// <param name="Wal">The log, open at its end.</param>
/// <param name="Snapshots">The snapshots.</param>
/// <param name="Replica">The member as it was.</param>
/// <param name="Repaired">What a crash had torn; null when nothing.</param>
internal sealed record OpenedData(IDisposable Lock, Wal Wal, SnapshotFiles Snapshots, Replica Replica, string? Repaired)
{
    private const string LockPath = "lock";

    /// <summary>Order: lock, who we are, the newest snapshot, the log after it.</summary>
    /// <exception cref="StoreDataException">The directory cannot be used.</exception>
    public static OpenedData Open(StoreOptions options, IDisk disk, Action<StoreDataException> onDamagedSnapshot)
    {
        IDisposable taken = disk.Lock(LockPath);
        try
        {
            return Read(options, disk, taken, onDamagedSnapshot);
        }
        catch (Exception e)
        {
            taken.Dispose();
            throw e is IOException or UnauthorizedAccessException
                ? new StoreDataException($"--data-dir {disk.Root} cannot be read and written: {e.Message}", e)
                : e;
        }
    }

    private static OpenedData Read(StoreOptions options, IDisk disk, IDisposable taken, Action<StoreDataException> onDamaged)
    {
        bool exists = Wal.Exists(disk);
        WalIdentity identity = exists ? Wal.IdentityOf(disk) : NewIdentity(options);
        var snapshots = new SnapshotFiles(disk, identity);
        if (!exists && snapshots.Oldest != default)
        {
            throw new StoreDataException($"--data-dir {disk.Root} has snapshots but no log; bring {Wal.Folder} back, or start on an empty directory");
        }

        (KeyspaceState state, SnapshotInfo snapshot) = snapshots.Load(onDamaged) ?? (new KeyspaceState(), default);
        RestoredState restored = RestoredState.Fresh;
        string? repaired = null;
        Wal wal = exists ? Wal.Open(disk, snapshot.At, out restored, out repaired) : Wal.Create(disk, identity);
        try
        {
            var self = new NodeId(identity.MemberId);
            var settings = new RaftSettings
            {
                Id = self,
                Seed = unchecked((int)identity.MemberId),
                ElectionTicks = Math.Max(2, (int)(options.ElectionTimeout / options.HeartbeatInterval)),
                BatchBytesMax = Limits.BatchBytesMax,
            };
            var replica = new Replica(options, new RaftNode(settings, restored), wal, state, snapshot);
            return new OpenedData(taken, wal, snapshots, replica, repaired);
        }
        catch (ArgumentException e)
        {
            wal.Dispose();
            throw new StoreDataException($"--data-dir {disk.Root}: the log contradicts itself: {e.Message}", e);
        }
    }

    private static WalIdentity NewIdentity(StoreOptions options)
    {
        ulong member = MemberIds.OfMember(options.EffectiveAdvertisePeerUrls, options.InitialClusterToken);
        return new WalIdentity(MemberIds.OfCluster([member]), member);
    }
}
