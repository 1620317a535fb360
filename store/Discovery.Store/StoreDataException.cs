namespace Discovery.Store;

/// <summary>
/// The data directory cannot be used: foreign, newer, corrupt, locked or not writable. The message is one line that
/// names the file, what was found, what was wanted and what to do. A program that gets it exits with 2.
/// </summary>
public sealed class StoreDataException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Nothing is wrong with the data, but the cluster has gone on to what this program is too old for.</summary>
    public bool NeedsNewerProgram { get; init; }
}
