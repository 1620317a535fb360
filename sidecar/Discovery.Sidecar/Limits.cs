namespace Discovery.Sidecar;

/// <summary>Every bound of the sidecar, with its unit and what happens when it is reached.</summary>
internal static class Limits
{
    /// <summary>Hints and answers waiting for the loop. Full: hints are dropped and everything is looked at again.</summary>
    public const int Inbox = 4096;

    /// <summary>Containers inspected at a time; the others wait, each once.</summary>
    public const int Inspections = 8;

    /// <summary>Bytes of a check's output that are kept, cut between characters.</summary>
    public const int CheckOutput = 256;

    /// <summary>Labels of one instance that are reported as rejected; more are left out, the last says how many.</summary>
    public const int Rejected = 20;

    /// <summary>Refused containers in the host's record; `why` knows the rest.</summary>
    public const int Refused = 200;

    /// <summary>Warnings in the host's record; `why` knows the rest.</summary>
    public const int Warnings = 50;

    /// <summary>How long connecting to the engine may take.</summary>
    public static readonly TimeSpan DockerConnect = TimeSpan.FromSeconds(5);

    /// <summary>How long one call to the engine may take; an engine under load takes seconds.</summary>
    public static readonly TimeSpan DockerCall = TimeSpan.FromSeconds(20);

    /// <summary>First wait after the engine or the store went away; doubled up to <see cref="RetryMax"/>.</summary>
    public static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait between tries.</summary>
    public static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(2);

    /// <summary>A check's output alone is written at most this often.</summary>
    public static readonly TimeSpan OutputPace = TimeSpan.FromSeconds(30);

    /// <summary>How long an engine that has just come back may say "starting" before it is believed.</summary>
    public static readonly TimeSpan HealthGrace = TimeSpan.FromSeconds(60);

    /// <summary>What the last renewal or revocation may take on the way out.</summary>
    public static readonly TimeSpan Farewell = TimeSpan.FromSeconds(3);
}
