using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Watch;

/// <summary>What carries a watch stream: a gRPC call, or the JSON gateway's lines.</summary>
internal interface IWatchTransport
{
    /// <summary>The client's next request; null when it will send no more.</summary>
    ValueTask<WatchRequest?> ReadAsync(CancellationToken cancellation);

    /// <summary>Writes an answer; it leaves with the next flush.</summary>
    void Write(WatchResponse response);

    /// <summary>Sends what was written; waits while the client reads slower than we write.</summary>
    ValueTask FlushAsync(CancellationToken cancellation);
}
