namespace Discovery.Store;

/// <summary>
/// The store cannot be reached by anyone as it was told to: a port is in use, an address is not this machine's. The
/// message is one line that says what to change. A program that gets it exits with 1.
/// </summary>
public sealed class StoreStartException(string message, Exception? inner = null) : Exception(message, inner);
