namespace Discovery.Store;

/// <summary>Every bound of the store's core, with its unit and where the number is from.</summary>
public static class Limits
{
    /// <summary>Seconds; a longer lease is refused (etcd: lease.MaxLeaseTTL).</summary>
    public const long LeaseTtlMaxSeconds = 9_000_000_000;

    /// <summary>Leases revoked in one tick, so that a pile of them does not stall writes (etcd: 1,000 a second).</summary>
    public const int LeaseExpiriesPerTick = 25;

    /// <summary>Between two times that the leader writes down how long a lease has left (etcd: 5 min). Shorter leases are not written down.</summary>
    public static readonly TimeSpan LeaseCheckpointInterval = TimeSpan.FromMinutes(5);

    /// <summary>Learners that a cluster may have, so that the leader's sending is spent on voters (etcd: 1).</summary>
    public const int LearnersMax = 1;

    /// <summary>Bytes of live keys and values when the quota is left to the default; above it writes are refused (etcd: 2 GiB).</summary>
    public const long QuotaBytesDefault = 2L * 1024 * 1024 * 1024;

    /// <summary>Requests that may wait for the loop. etcd refuses at 5,000 unapplied entries; beyond it waiting only adds latency.</summary>
    public const int InboxLength = 5000;

    /// <summary>Messages of members that may wait for the loop; beyond it their connections wait.</summary>
    public const int InboxMessages = 4096;

    /// <summary>A write of the log that takes longer is left to the log's own thread, so that a slow disk delays no heartbeat.</summary>
    public static readonly TimeSpan InlineWriteMax = TimeSpan.FromMilliseconds(5);

    /// <summary>Bytes of commands in one batch: one write and one fdatasync. About 5 ms of disk at 1 GB/s.</summary>
    public const int BatchBytesMax = 4 * 1024 * 1024;

    /// <summary>After this long without an answer a proposal's outcome is told to be unknown (etcd: 5 s and two election timeouts).</summary>
    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(7);

    /// <summary>Ticks made up for after a pause of the process; more would let one long pause cause an election.</summary>
    public const int TicksBehindMax = 3 * TicksPerHeartbeat;

    /// <summary>Bytes of a log segment, filled with zeros before use (an overwrite syncs 25 to 35 % faster than an append).</summary>
    public const int SegmentBytes = 16 * 1024 * 1024;

    /// <summary>Between two attempts to find room for the next segment on a full disk; each writes up to 32 MiB.</summary>
    public static readonly TimeSpan DiskFullPause = TimeSpan.FromSeconds(2);

    /// <summary>Snapshots kept; the log reaches back to the oldest of them.</summary>
    public const int SnapshotsKept = 2;

    /// <summary>
    /// The log written since the last snapshot must be this many times its size before the next: whatever the keyspace
    /// holds, snapshots cost at most half of what the log costs.
    /// </summary>
    public const int SnapshotLogFactor = 2;

    /// <summary>Proposals that may wait for a leader; more are refused, since they would only time out.</summary>
    public const int ProposalsWaitingMax = 5000;

    /// <summary>Bytes of commands that one message forwards to the leader; one command may exceed it.</summary>
    public const int ForwardBytesMax = 1024 * 1024;

    /// <summary>Commands that one message forwards to the leader.</summary>
    public const int ForwardCommandsMax = 1000;

    /// <summary>Election timeouts that a new member waits for a majority of the others before fewer are enough; who is there answers within one.</summary>
    public const int FormationElectionTimeouts = 3;

    /// <summary>Changes of members that may wait for the one under way.</summary>
    public const int MemberChangesMax = 16;

    /// <summary>A new member may lack so many entries when it is given its vote; a heartbeat later it has them.</summary>
    public const ulong PromotionLagMax = 100;

    /// <summary>The leases' clock goes at most this far between two ticks: beyond it the process stood still.</summary>
    public static readonly TimeSpan LeaseTickMax = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Bytes of a snapshot in one message: 2 ms of a 1 Gbit/s link, which a heartbeat can wait for. Also of a chunk in the
    /// file, so that what is sent was checked.
    /// </summary>
    public const int SnapshotPieceBytes = 256 * 1024;

    /// <summary>Bytes of the largest snapshot taken from another member: the quota's advised maximum (etcd: 8 GiB) and its history.</summary>
    public const long SnapshotBytesMax = 16L * 1024 * 1024 * 1024;

    /// <summary>Bytes of snapshots that a leader sends in one tick (25 ms), so that writes go on: 160 MB/s.</summary>
    public const int SnapshotBytesPerTick = 4 * 1024 * 1024;

    /// <summary>Questions for pieces of snapshots that wait for the next tick; one a follower is normal.</summary>
    public const int SnapshotPullsMax = 64;

    /// <summary>Raft's ticks in one heartbeat: elections are timed finer than heartbeats, which spreads candidates.</summary>
    public const int TicksPerHeartbeat = 4;

    /// <summary>Applied entries kept in memory for followers that lag (etcd: SnapshotCatchUpEntries).</summary>
    public const int CatchUpEntries = 5_000;

    /// <summary>Bytes of applied entries kept in memory for followers that lag.</summary>
    public const long CatchUpBytes = 16 * 1024 * 1024;

    /// <summary>
    /// Bytes of applied entries kept for followers that are heard of and lack them, and for those that fetch a snapshot: half
    /// a minute of the fastest load that was measured. Who lags more begins anew with a snapshot.
    /// </summary>
    public const long LagBytes = 256 * 1024 * 1024;

    /// <summary>History younger than this is kept.</summary>
    public static readonly TimeSpan HistoryAge = TimeSpan.FromHours(1);

    /// <summary>Revisions always kept, however old or large.</summary>
    public const long HistoryRevisionsMin = 10_000;

    /// <summary>Revisions that one automatic compaction must gain, so that a busy store does not log a compaction a second.</summary>
    public const long CompactionStep = 1_000;

    /// <summary>Compacted revisions whose memory is freed after one batch, so that a large compaction does not stall writes.</summary>
    public const int TrimRevisionsPerBatch = 2_000;
}
