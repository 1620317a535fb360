namespace Discovery.Store;

/// <summary>Every bound of the store's core, with its unit and where the number is from.</summary>
public static class Limits
{
    /// <summary>Bytes of one client request (etcd: --max-request-bytes, 1.5 MiB).</summary>
    public const int RequestBytesMax = 1536 * 1024;

    /// <summary>Operations of one transaction and of all transactions nested in it (etcd: --max-txn-ops).</summary>
    public const int TxnOpsMax = 128;

    /// <summary>Seconds; a longer lease is refused (etcd: lease.MaxLeaseTTL).</summary>
    public const long LeaseTtlMaxSeconds = 9_000_000_000;

    /// <summary>Seconds; a shorter lease is raised to this (etcd: 1.5 times the election timeout of 1 s, rounded up).</summary>
    public const long LeaseTtlMinSeconds = 2;

    /// <summary>Leases revoked in one second of expiry, so that a pile of them does not stall writes (etcd: leaseRevokeRate).</summary>
    public const int LeaseExpiriesPerSecond = 1000;

    /// <summary>Bytes of live keys and values; above it only reads, deletes and compaction are taken (etcd: --quota-backend-bytes).</summary>
    public const long QuotaBytes = 2L * 1024 * 1024 * 1024;

    /// <summary>Requests that may wait for the loop. etcd refuses at 5,000 unapplied entries; beyond it waiting only adds latency.</summary>
    public const int InboxLength = 5000;

    /// <summary>Bytes of commands in one batch: one write and one fdatasync. About 5 ms of disk at 1 GB/s.</summary>
    public const int BatchBytesMax = 4 * 1024 * 1024;

    /// <summary>After this long without an answer a proposal's outcome is told to be unknown (etcd: 5 s and two election timeouts).</summary>
    public static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(7);

    /// <summary>Length of one Raft tick (etcd: --heartbeat-interval).</summary>
    public static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    /// <summary>Ticks made up for after a pause of the process; more would let one long pause cause an election.</summary>
    public const int TicksBehindMax = 3;

    /// <summary>Bytes of a log segment, filled with zeros before use (an overwrite syncs 25 to 35 % faster than an append).</summary>
    public const int SegmentBytes = 16 * 1024 * 1024;

    /// <summary>Bytes of one log record; a longer length field is corruption. A request and its frame, with room to grow.</summary>
    public const int RecordBytesMax = 8 * 1024 * 1024;

    /// <summary>Snapshots kept; the log reaches back to the oldest of them.</summary>
    public const int SnapshotsKept = 2;

    /// <summary>Entries applied between two snapshots (etcd: --snapshot-count in 3.6).</summary>
    public const int SnapshotEntries = 10_000;

    /// <summary>Entries kept in memory behind a snapshot for followers that lag (etcd: SnapshotCatchUpEntries).</summary>
    public const int CatchUpEntries = 5_000;

    /// <summary>History younger than this is kept.</summary>
    public static readonly TimeSpan HistoryAge = TimeSpan.FromHours(1);

    /// <summary>Bytes of history kept.</summary>
    public const long HistoryBytes = 64L * 1024 * 1024;

    /// <summary>Revisions always kept, however old or large.</summary>
    public const long HistoryRevisionsMin = 10_000;

    /// <summary>Revisions that one automatic compaction must gain, so that a busy store does not log a compaction a second.</summary>
    public const long CompactionStep = 1_000;

    /// <summary>Compacted revisions whose memory is freed after one batch, so that a large compaction does not stall writes.</summary>
    public const int TrimRevisionsPerBatch = 2_000;
}
