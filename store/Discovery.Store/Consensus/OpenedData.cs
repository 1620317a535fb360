using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;

namespace Discovery.Store.Consensus;

/// <summary>What a data directory holds, read and locked.</summary>
/// <param name="Lock">Keeps other processes out.</param>
/// <param name="Wal">The log, open at its end; null while the member waits to be told who it is.</param>
/// <param name="Snapshots">The snapshots.</param>
/// <param name="Replica">The member as it was.</param>
/// <param name="Restored">What Raft was told of its life before, for who looks on.</param>
/// <param name="Repaired">What was wrong with the log, and nothing acknowledged is missing; null when nothing was.</param>
/// <param name="Damage">What the disk lost and the other members have; null when nothing.</param>
/// <param name="IsForming">It formed its data from its flags and does not know yet whether it lived before (<see cref="Formation"/>).</param>
internal sealed record OpenedData(
    IDisposable Lock,
    Wal? Wal,
    SnapshotFiles Snapshots,
    Replica Replica,
    RestoredState Restored,
    string? Repaired,
    WalDamage? Damage,
    bool IsForming = false) : IDisposable
{
    private const string LockPath = "lock";

    /// <summary>Lets go of the files.</summary>
    public void Dispose()
    {
        Wal?.Dispose();
        Lock.Dispose();
    }

    /// <summary>Empties a directory that was let go of, of all that a member that starts would read.</summary>
    public static void Wipe(IDisk disk)
    {
        // The log last: a directory with a log and no snapshots is whole, one with snapshots and no log is not.
        foreach (string folder in (string[])[SnapshotFiles.Folder, Wal.Folder])
        {
            foreach (string name in disk.List(folder))
            {
                disk.Delete($"{folder}/{name}");
            }

            disk.SyncFolder(folder);
        }

        FormationMark.Remove(disk);
    }

    /// <summary>Order: lock, who we are, the newest snapshot, the log after it.</summary>
    /// <param name="options">The member's settings.</param>
    /// <param name="disk">Its data directory.</param>
    /// <param name="instance">Drawn at random for this start (<see cref="ProposalId.Instance"/>).</param>
    /// <param name="joins">Who it is when the directory is empty and a cluster that runs has told it; else its options say.</param>
    /// <param name="onDamagedSnapshot">Told of a snapshot that is passed over.</param>
    /// <exception cref="StoreDataException">The directory cannot be used.</exception>
    public static OpenedData Open(
        StoreOptions options, IDisk disk, ulong instance, WalIdentity? joins, Action<StoreDataException> onDamagedSnapshot)
    {
        IDisposable taken = disk.Lock(LockPath);
        try
        {
            return Read(options, disk, instance, joins, taken, onDamagedSnapshot);
        }
        catch (Exception e)
        {
            taken.Dispose();
            throw e is IOException or UnauthorizedAccessException
                ? new StoreDataException($"--data-dir {disk.Root} cannot be read and written: {e.Message}", e)
                : e;
        }
    }

    private static OpenedData Read(
        StoreOptions options,
        IDisk disk,
        ulong instance,
        WalIdentity? joins,
        IDisposable taken,
        Action<StoreDataException> onDamaged)
    {
        bool exists = Wal.Exists(disk);
        if (!exists && joins is null && options.InitialClusterState == "existing")
        {
            // Nothing to write down yet: it does not know who it is.
            WalIdentity nobody = default;
            var none = new SnapshotFiles(disk, nobody);
            Replica waiting = NewReplica(options, nobody, RestoredState.Fresh, new KeyspaceState(), default, instance, none);
            return new OpenedData(taken, null, none, waiting, RestoredState.Fresh, null, null);
        }

        (WalIdentity identity, RestoredState restored) = exists ? (Wal.IdentityOf(disk), RestoredState.Fresh)
            : joins is { } joined ? (joined, RestoredState.Fresh)
            : Formed(options);
        var snapshots = new SnapshotFiles(disk, identity);
        if (!exists && snapshots.Exists)
        {
            throw new StoreDataException(
                $"--data-dir {disk.Root} has snapshots but no log, so nobody can say what this member voted: bring {Wal.Folder} back, "
                + "or remove it from the cluster, delete its data directory and add it again");
        }

        (KeyspaceState state, SnapshotInfo snapshot) = snapshots.Load(onDamaged) ?? (new KeyspaceState(), default);
        if (!exists)
        {
            MarkFormation(disk, isForming: joins is null && Membership.Decode(restored.Entries[0].Payload).Voters.Length > 1);
        }

        string? repaired = null;
        WalDamage? damage = null;
        Wal wal = exists
            ? Wal.Open(disk, snapshot.At, Judge, out restored, out repaired, options.SegmentBytes)
            : Wal.Create(disk, identity, new PersistBatch { HardState = restored.HardState, Entries = restored.Entries }, options.SegmentBytes);
        try
        {
            FeatureLevels.Require(state.Members.FeatureLevel, options.FeatureLevel);
            restored = restored with { Membership = MembershipOf(state, restored, identity) };
            Replica replica = NewReplica(options, identity, restored, state, snapshot, instance, snapshots);
            replica.DataBytes = wal.DiskBytes + snapshots.DiskBytes;
            return new OpenedData(taken, wal, snapshots, replica, restored, repaired, damage, FormationMark.Exists(disk));
        }
        catch (ArgumentException e)
        {
            wal.Dispose();
            throw new StoreDataException($"--data-dir {disk.Root}: the log contradicts itself: {e.Message}", e);
        }

        void Judge(WalDamage found, RestoredState left)
        {
            if (!HasPeers(state.Members.Configuration, found, left.HardState, new NodeId(identity.MemberId)))
            {
                throw new StoreDataException($"{found}: this is no torn write but corruption: restore the member from a snapshot or a backup");
            }

            damage = found;
        }
    }

    /// <summary>Before the log: where there is one, what the mark says is true.</summary>
    private static void MarkFormation(IDisk disk, bool isForming)
    {
        if (isForming)
        {
            FormationMark.Make(disk);
        }
        else
        {
            FormationMark.Remove(disk);
        }
    }

    private static Replica NewReplica(
        StoreOptions options,
        WalIdentity identity,
        RestoredState restored,
        KeyspaceState state,
        SnapshotInfo snapshot,
        ulong instance,
        SnapshotFiles snapshots)
    {
        var settings = new RaftSettings
        {
            Id = new NodeId(identity.MemberId),
            Seed = unchecked((int)instance),
            HeartbeatTicks = Limits.TicksPerHeartbeat,
            ElectionTicks = options.ElectionTicks,
            BatchBytesMax = Limits.BatchBytesMax,
        };
        return new Replica(options, identity, new RaftNode(settings, restored), state, snapshot, instance)
        {
            Snapshots = snapshots,
        };
    }

    /// <summary>Whether others hold what this member lost: the newest members that it knows of, or its vote, say so.</summary>
    private static bool HasPeers(ReadOnlyMemory<byte> atSnapshot, WalDamage damage, in HardState state, NodeId self)
    {
        ReadOnlyMemory<byte> members = damage.Members.IsEmpty ? atSnapshot : damage.Members;
        bool knowsOthers = !members.IsEmpty && Membership.Decode(members).All.Any(id => id != self);
        return knowsOthers || (state.VotedFor is { } candidate && candidate != self);
    }

    private static (WalIdentity Identity, RestoredState Restored) Formed(StoreOptions options)
    {
        Bootstrap bootstrap = Bootstrap.From(options);
        var membership = new Membership(bootstrap.Members.Select(static member => new NodeId(member.Id)))
        {
            Context = CommandCodec.Encode(bootstrap.FirstCommand, default),
        };
        return (new WalIdentity(bootstrap.ClusterId, bootstrap.MemberId), RestoredState.Formed(membership));
    }

    /// <summary>Who the members were at the snapshot.</summary>
    private static Membership MembershipOf(KeyspaceState state, RestoredState restored, WalIdentity identity)
    {
        if (!state.Members.Configuration.IsEmpty)
        {
            return Membership.Decode(state.Members.Configuration);
        }

        // Data of a version that ran one member and did not write down who it is: its log begins with a leader's first
        // entry, and ours with the members. Whoever has no entry yet was told of a term at most, and waits to be told more.
        bool isOld = restored.HardState is { Term: > 0, IsRecovering: false }
            && (restored.Snapshot != default || restored.Entries.Count > 0)
            && restored.Entries.All(static entry => entry.Kind != EntryKind.Membership);
        return isOld ? new Membership([new NodeId(identity.MemberId)]) : Membership.None;
    }
}
