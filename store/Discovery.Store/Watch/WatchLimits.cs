namespace Discovery.Store.Watch;

/// <summary>The bounds of watching. What is full refuses or waits; nothing is dropped.</summary>
internal static class WatchLimits
{
    /// <summary>Watches on one stream; one more is refused. Kubernetes' largest client holds some thousands.</summary>
    public const int WatchersPerStream = 100_000;

    /// <summary>Requests of one stream whose answers are not yet written; then no more are read.</summary>
    public const int RequestsWaiting = 256;

    /// <summary>Revisions with events in one answer, as etcd's watchBatchMaxRevs. One revision is never divided.</summary>
    public const int RevisionsPerResponse = 1_000;

    /// <summary>Bytes of events after which an answer takes no further revision.</summary>
    public const int BytesPerResponse = 1024 * 1024;

    /// <summary>Revisions one watch looks through before the next of its stream has its turn.</summary>
    public const int RevisionsPerTurn = 20_000;

    /// <summary>Bytes written before they are sent off.</summary>
    public const int BytesPerFlush = 64 * 1024;

    /// <summary>What gRPC adds to the largest request; an answer above the sum is split if the client asked for that.</summary>
    public const int GrpcOverheadBytes = 512 * 1024;
}
