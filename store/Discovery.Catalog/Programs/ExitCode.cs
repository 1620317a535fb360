namespace Discovery.Catalog.Programs;

/// <summary>What the programs end with.</summary>
public static class ExitCode
{
    /// <summary>Stopped as asked.</summary>
    public const int Ok = 0;

    /// <summary>Failed: a port in use, a store that failed, a target not found, a deadline passed.</summary>
    public const int Failed = 1;

    /// <summary>Bad flags, URLs, configuration or data directory.</summary>
    public const int BadConfiguration = 2;
}
