namespace Discovery.Store.Peers;

/// <summary>
/// Bytes from a peer are not what they must be. The message says what was found and what was wanted; whoever owns the
/// connection adds from whom, and closes it.
/// </summary>
internal sealed class PeerFormatException(string message) : Exception(message);
