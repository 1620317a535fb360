namespace Discovery.Sidecar.Mirrors;

/// <summary>A backend did not do what it was asked. The message is one line: who, what was asked, what was answered.</summary>
internal sealed class MirrorException(string message, bool isRefusal = false, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>
    /// Whether the backend understood and said no: it is this entry that is wrong, and others may go on. Otherwise the backend
    /// is away and the outcome unknown.
    /// </summary>
    public bool IsRefusal { get; } = isRefusal;
}
