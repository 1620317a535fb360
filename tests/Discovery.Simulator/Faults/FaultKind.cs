namespace Discovery.Simulator.Faults;

/// <summary>What can go wrong.</summary>
internal enum FaultKind
{
    /// <summary>kill -9 of one process; the system's cache stays.</summary>
    Kill,

    /// <summary>One machine loses power.</summary>
    PowerCut,

    /// <summary>All machines lose power at once.</summary>
    BlackOut,

    /// <summary>The process dies in the middle of its n-th disk operation from now on.</summary>
    CrashOnDisk,

    /// <summary>The process stands still, as under SIGSTOP or a long collection.</summary>
    Pause,

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
}
