namespace Discovery.Simulator.Faults;

/// <summary>What can go wrong.</summary>
internal enum FaultKind
{
    /// <summary>kill -9 of one process; the system's cache stays.</summary>
    Kill,

    /// <summary>kill -9 of the leader.</summary>
    KillLeader,

    /// <summary>A majority is killed at once.</summary>
    KillMajority,

    /// <summary>One machine loses power.</summary>
    PowerCut,

    /// <summary>All machines lose power at once.</summary>
    BlackOut,

    /// <summary>The process dies in the middle of its n-th disk operation from now on.</summary>
    CrashOnDisk,

    /// <summary>The process dies right before or after one of its effects: a message, a batch, a view.</summary>
    CrashAtEffect,

    /// <summary>A member stays down until the others have forgotten the entries that it lacks.</summary>
    DownUntilSnapshot,

    /// <summary>The process stands still, as under SIGSTOP or a long collection.</summary>
    Pause,

    /// <summary>The thread pool is busy: what awaits something goes on late, and not in order. The loop has its own thread.</summary>
    Starvation,

    /// <summary>The clock runs slow or fast from now on.</summary>
    ClockRate,

    /// <summary>Somebody sets the time of day.</summary>
    ClockSet,

    /// <summary>Syncs take up to hundreds of times as long.</summary>
    SlowDisk,

    /// <summary>Syncs fail with EIO.</summary>
    SyncError,

    /// <summary>Writes fail with EIO.</summary>
    WriteError,

    /// <summary>Reads fail with EIO: it shows at the next start.</summary>
    ReadError,

    /// <summary>Writes that need room fail with ENOSPC.</summary>
    DiskFull,

    /// <summary>One member hears nobody and nobody hears it.</summary>
    Isolate,

    /// <summary>The leader is cut off.</summary>
    IsolateLeader,

    /// <summary>The members fall into two groups.</summary>
    Partition,

    /// <summary>Some ways are cut in one direction only.</summary>
    OneWay,

    /// <summary>Two groups that only one member reaches both of.</summary>
    Bridge,

    /// <summary>Members are clogged one after the other, and unclogged in another order.</summary>
    Swizzle,

    /// <summary>Some ways lose a part of the messages.</summary>
    Loss,

    /// <summary>Some ways repeat messages.</summary>
    Duplication,

    /// <summary>Some ways let messages overtake each other.</summary>
    Reordering,

    /// <summary>Some ways take long.</summary>
    Delay,

    /// <summary>Some ways are narrow.</summary>
    Narrow,

    /// <summary>A bit of the log changes on the disk, and the process is killed, so that it is read again.</summary>
    FlipLogBit,

    /// <summary>A bit of a snapshot changes on the disk; sometimes nobody reads it.</summary>
    FlipSnapshotBit,

    /// <summary>A disk is replaced by an empty one.</summary>
    LoseDisk,
}
