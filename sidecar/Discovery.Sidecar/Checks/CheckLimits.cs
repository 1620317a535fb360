namespace Discovery.Sidecar.Checks;

/// <summary>Every bound of the checks that the sidecar runs, with its unit and what happens when it is reached.</summary>
internal static class CheckLimits
{
    /// <summary>Checks of one container; those beyond are rejected with this number.</summary>
    public const int PerContainer = 20;

    /// <summary>
    /// Checks under way at a time; the others wait, the longest due first. High, since a check that hangs costs a socket
    /// and holds its place until its timeout: 200 that hang must not hold up one that does not.
    /// </summary>
    public const int AtOnce = 256;

    /// <summary>Commands in containers under way at a time; the others wait within their own timeout.</summary>
    public const int CommandsAtOnce = 8;

    /// <summary>Questions and words that wait for the loop; whoever brings one more waits.</summary>
    public const int Inbox = 1024;

    /// <summary>Results of a check that are kept; the oldest goes.</summary>
    public const int History = 100;

    /// <summary>Bytes of the newest result's output that are kept and shown; what follows is left unread.</summary>
    public const int Output = 4096;

    /// <summary>Bytes of an answer's headers that are read; a longer answer is critical.</summary>
    public const int HeaderKilobytes = 16;

    /// <summary>Bytes of a gRPC answer that are read; a longer one is critical. A health answer has two.</summary>
    public const int GrpcAnswer = 4096;

    /// <summary>Characters of a label's value that is a path or a command; longer ones are rejected.</summary>
    public const int Text = 1024;

    /// <summary>Highest threshold.</summary>
    public const int Threshold = 100;

    /// <summary>Shortest and longest time between two runs.</summary>
    public static readonly TimeSpan IntervalMin = TimeSpan.FromSeconds(1), IntervalMax = TimeSpan.FromHours(1);

    /// <summary>Registrator's default, and ours.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Shortest and longest time that one run may take.</summary>
    public static readonly TimeSpan TimeoutMin = TimeSpan.FromMilliseconds(10), TimeoutMax = TimeSpan.FromMinutes(5);

    /// <summary>What one run may take when nothing was said.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>Shortest and longest TTL, and time until a critical instance is deregistered.</summary>
    public static readonly TimeSpan TtlMin = TimeSpan.FromSeconds(1), TtlMax = TimeSpan.FromDays(7);

    /// <summary>
    /// How long failures do not count while a check has never passed: programs need time to start, and a check that runs
    /// from the first moment would else be critical until its next turn.
    /// </summary>
    public static readonly TimeSpan StartPeriod = TimeSpan.FromSeconds(30);

    /// <summary>Time between runs while a check has never passed, at most: who has come up gets requests within it.</summary>
    public static readonly TimeSpan StartInterval = TimeSpan.FromSeconds(1);

    /// <summary>The first run comes within this time, spread; at once for one container, not all at once for 200.</summary>
    public static readonly TimeSpan FirstRunSpread = TimeSpan.FromMilliseconds(500);
}
