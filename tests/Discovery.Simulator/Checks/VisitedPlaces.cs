namespace Discovery.Simulator.Checks;

/// <summary>
/// Where a search has been (Lowe's memory): which answered operations were taken, what state they led to, and which
/// unanswered ones were used up on the way. A place need not be tried again when it was reached before with no more used
/// up: whatever can follow now could have followed then.
/// </summary>
internal sealed class VisitedPlaces
{
    private readonly Dictionary<UInt128, List<(int Twins, int Count)[]>> _places = [];

    /// <summary>Notes a visit. False when it is not worth while.</summary>
    /// <param name="place">Stands for the answered operations that were taken, and the state.</param>
    /// <param name="used">How many of each group of unanswered operations are used up, by group; those that can never come again left out.</param>
    public bool Visit(UInt128 place, (int Twins, int Count)[] used)
    {
        if (!_places.TryGetValue(place, out List<(int Twins, int Count)[]>? before))
        {
            _places.Add(place, [used]);
            return true;
        }

        foreach ((int Twins, int Count)[] known in before)
        {
            if (IsAtMost(known, used))
            {
                return false;
            }
        }

        before.RemoveAll(known => IsAtMost(used, known));
        before.Add(used);
        return true;
    }

    /// <summary>Whether the first used no more of any group than the second; both are in order of their groups.</summary>
    private static bool IsAtMost((int Twins, int Count)[] first, (int Twins, int Count)[] second)
    {
        int at = 0;
        foreach ((int twins, int count) in first)
        {
            while (at < second.Length && second[at].Twins < twins)
            {
                at++;
            }

            if (at == second.Length || second[at].Twins != twins || second[at].Count < count)
            {
                return false;
            }
        }

        return true;
    }
}
