namespace Discovery.Store.Peers;

/// <summary>Why messages to a peer may not arrive.</summary>
internal enum PeerTrouble
{
    /// <summary>An established connection ended: the peer's process did, or the network between.</summary>
    Lost,

    /// <summary>Its host answers, and no process listens there: the peer's process is dead.</summary>
    DialRefused,

    /// <summary>Nobody answered, or the name is unknown.</summary>
    DialFailed,

    /// <summary>Somebody answered, and will not speak with us.</summary>
    Rejected,

    /// <summary>Messages were dropped because too many waited.</summary>
    Dropped,
}
