#if MUTANTS
using System.ComponentModel;

namespace Discovery.Store;

/// <summary>
/// Errors planted on purpose, one at a time, most of them from etcd's own track record. The simulator must find each of
/// them, or it would not find them if they were made here. Only in the build configuration Mutants.
/// </summary>
internal enum StoreMutant
{
    None,

    [Description("the applied index that is saved is not that of the data beside it (etcd #13766, #14685)")]
    AppliedIndexNotAtomic,

    [Description("progress is told before the events that it speaks of (etcd #15220)")]
    ProgressNotSynced,

    [Description("a watch goes back in time (etcd #15271)")]
    WatchGoesBack,

    [Description("a watch that lags loses the events between (etcd #17529)")]
    EventsLostInStarvation,

    [Description("the revision decreases after a compaction and a crash (etcd #17780)")]
    RevisionDecreases,

    [Description("a deletion at the compacted revision is not told to watches (etcd #18089, #19179)")]
    DeletionDroppedAtCompaction,

    [Description("a transaction's read of compacted history depends on what the member has freed already (etcd #18667)")]
    TxnReadsCompacted,

    [Description("a watch from a future revision gets events from before it (etcd #20221)")]
    FutureWatchGetsOldEvents,

    [Description("a read is confirmed by the late answer to a question that was asked before it (etcd #20418)")]
    ReadJoinsQuestion,

    [Description("a lease is renewed by a leader that has not asked whether it still leads (etcd #15247; locks by Jepsen)")]
    RenewWithoutQuorum,

    [Description("a lease is renewed although its revocation is in the log")]
    RenewAtExpiry,

    [Description("a lease is renewed while the log is about to say that it has less left; a new leader goes by that")]
    RenewWhileWritten,

    [Description("a new leader ends leases by what it knew when it led before (etcd #9360)")]
    LeasesNotResumed,

    [Description("the leader proposes what older programs among the members cannot apply")]
    FeatureTooEarly,

    [Description("a new leader gives leases the time that was written down, before it has applied that this was taken back")]
    LeasesResumedEarly,

    [Description("a forwarded batch that is delivered twice is applied twice")]
    ForwardedTwice,

    [Description("proposals are made again at each change of leaders, although they may be in the log")]
    ProposedAgain,

    [Description("a batch is acknowledged without a sync")]
    BatchWithoutSync,

    [Description("a new segment gets its name without a sync of the folder (ALICE, OSDI'14)")]
    RenameWithoutFolderSync,

    [Description("a torn batch at the log's end is taken for a whole one")]
    TornTailTakenWhole,

    [Description("corruption is cut off like a torn write; the member votes on without what it acknowledged (PAR, FAST'18)")]
    TruncateOnCorruption,

    [Description("term and vote are not in every segment; they go with the old ones")]
    HardStateOnlyWhenChanged,

    [Description("the checks of a snapshot's chunks are not looked at")]
    SnapshotNotChecked,
}

/// <summary>Which one is planted.</summary>
internal static class StoreMutants
{
    /// <summary>Set once, before the first store is opened.</summary>
    public static StoreMutant Planted { get; set; }

    public static bool IsPlanted(this StoreMutant mutant) => mutant == Planted;
}
#endif
