namespace Discovery.Store.Keyspace;

/// <summary>
/// What programs of different versions can apply. Each member publishes its own level; the cluster's is the lowest of
/// them, once all members have it, and never goes back. Nothing is put in the log that needs a higher one, so hosts can be
/// updated one by one, and put back until the last of them is new.
/// </summary>
internal static class FeatureLevels
{
    /// <summary>Members, keys, leases: the first program that ran several members.</summary>
    public const uint Base = 1;

    /// <summary>The leader writes down how long leases have left (<see cref="CommandKind.LeaseCheckpoint"/>).</summary>
    public const uint LeaseCheckpoints = 2;

    /// <summary>Of this program.</summary>
    public const uint Latest = LeaseCheckpoints;

    /// <summary>What a program must have to apply the command.</summary>
    public static uint Of(CommandKind kind) => kind == CommandKind.LeaseCheckpoint ? LeaseCheckpoints : Base;

    /// <summary>Ends a program that is too old: it would not do what the others do.</summary>
    /// <exception cref="StoreDataException">It is.</exception>
    public static void Require(uint wanted, uint own)
    {
        if (wanted > own)
        {
            throw new StoreDataException($"the cluster has feature level {wanted}, this program has {own}: all members ran a newer program once, start that again here")
            {
                NeedsNewerProgram = true,
            };
        }
    }
}
