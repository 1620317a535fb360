namespace Discovery.Sidecar;

/// <summary>The program cannot go on: one line for standard error, and the code to end with.</summary>
internal sealed class ProgramEndException(int exitCode, string message) : Exception(message)
{
    /// <summary>One of <see cref="Catalog.Programs.ExitCode"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
