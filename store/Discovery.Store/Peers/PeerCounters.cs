using Discovery.Raft;

namespace Discovery.Store.Peers;

/// <summary>What went to and came from one peer since it is known; added to by the threads of its connections.</summary>
internal sealed class PeerCounters
{
    private long _messagesSent;
    private long _bytesSent;
    private long _messagesReceived;
    private long _bytesReceived;
    private long _messagesDropped;
    private long _connections;

    public void Sent(int messages, long bytes)
    {
        Interlocked.Add(ref _messagesSent, messages);
        Interlocked.Add(ref _bytesSent, bytes);
    }

    public void Received(long bytes)
    {
        Interlocked.Increment(ref _messagesReceived);
        Interlocked.Add(ref _bytesReceived, bytes);
    }

    public void Dropped(int messages) => Interlocked.Add(ref _messagesDropped, messages);

    public void Connected() => Interlocked.Increment(ref _connections);

    /// <summary>The figures as they are now.</summary>
    public PeerStatus Status(NodeId id, string? url, uint featureLevel) => new(id, url, featureLevel)
    {
        MessagesSent = Interlocked.Read(ref _messagesSent),
        BytesSent = Interlocked.Read(ref _bytesSent),
        MessagesReceived = Interlocked.Read(ref _messagesReceived),
        BytesReceived = Interlocked.Read(ref _bytesReceived),
        MessagesDropped = Interlocked.Read(ref _messagesDropped),
        Connections = Interlocked.Read(ref _connections),
    };
}

/// <summary>How one peer is reached.</summary>
/// <param name="Id">The peer.</param>
/// <param name="Url">Where we are connected to it; null while we are not.</param>
/// <param name="FeatureLevel">What it said last; 0 before it said anything.</param>
internal sealed record PeerStatus(NodeId Id, string? Url, uint FeatureLevel)
{
    public long MessagesSent { get; init; }

    public long BytesSent { get; init; }

    public long MessagesReceived { get; init; }

    public long BytesReceived { get; init; }

    /// <summary>Messages that were to be sent and were not: too many waited, or a dial failed.</summary>
    public long MessagesDropped { get; init; }

    /// <summary>How often we connected to it; reconnects are one less.</summary>
    public long Connections { get; init; }
}
