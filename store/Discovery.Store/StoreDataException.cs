namespace Discovery.Store;

/// <summary>
/// The data directory cannot be used: foreign, newer, corrupt, locked or not writable. The message is one line that
/// names the file, what was found, what was wanted and what to do. A program that gets it exits with 2.
/// </summary>
public class StoreDataException(string message, Exception? inner = null) : Exception(message, inner);
