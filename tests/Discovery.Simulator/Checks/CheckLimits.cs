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
}
