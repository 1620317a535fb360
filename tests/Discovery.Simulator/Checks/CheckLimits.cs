namespace Discovery.Simulator.Checks;

/// <summary>Every bound of the checkers, with its unit and its reason.</summary>
internal static class CheckLimits
{
    /// <summary>
    /// Attempts of a search for one linearization of one partition before it says "undecided". A healthy history takes
    /// about one an operation; this many take some ten seconds.
    /// </summary>
    public const long SearchStepsMax = 20_000_000;

    /// <summary>Operations shown before the place where a history got stuck.</summary>
    public const int ExcerptTail = 8;

    /// <summary>Operations shown that could come next and do not fit.</summary>
    public const int ExcerptStuck = 8;

    /// <summary>Possible states shown at the place where a history got stuck.</summary>
    public const int ExcerptStates = 3;

    /// <summary>Entries a member applies between two comparisons of what is readable: about 0.3 ms for 1,000 keys.</summary>
    public const ulong SameStateEvery = 256;

    /// <summary>Entries a member applies between two comparisons of its whole history: about 3 ms for 10,000 revisions.</summary>
    public const ulong SameHistoryEvery = 8_192;

    /// <summary>Views that are kept for members that come to the same index later; they share all but what changed.</summary>
    public const int SameStateViews = 4_096;

    /// <summary>After faults stop the members follow a common leader within this time: several elections that come to nothing.</summary>
    public static readonly TimeSpan LeaderWithin = TimeSpan.FromSeconds(5);

    /// <summary>After faults stop every operation ends within this time: the store's request timeout of 7 s, and a leader's election.</summary>
    public static readonly TimeSpan OperationsWithin = TimeSpan.FromSeconds(15);

    /// <summary>After faults stop every member has applied the same within this time: a snapshot may have to be fetched.</summary>
    public static readonly TimeSpan SameIndexWithin = TimeSpan.FromSeconds(30);
}
