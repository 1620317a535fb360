using Discovery.Simulator.Time;

namespace Discovery.Simulator.Workload;

/// <summary>What clients do in a seed, and how often; drawn from the seed, so that each seed leans another way.</summary>
internal sealed record WorkloadPlan
{
    /// <summary>Clients that read and write.</summary>
    public required int Clients { get; init; }

    /// <summary>Clients that hold leases.</summary>
    public required int Holders { get; init; }

    /// <summary>Clients that watch.</summary>
    public required int Watchers { get; init; }

    /// <summary>Groups of keys that all of them share.</summary>
    public required int Groups { get; init; }

    /// <summary>A client's mean time between two calls.</summary>
    public required TimeSpan Pause { get; init; }

    /// <summary>Weights of the calls; 0 for never.</summary>
    public required IReadOnlyDictionary<CallKind, int> Weights { get; init; }

    /// <summary>The part of the compactions asked for that are made; the rest are reads.</summary>
    public required double Compactions { get; init; }

    /// <summary>After this long a client gives up.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    public static WorkloadPlan From(Chance chance)
    {
        var weights = new SortedDictionary<CallKind, int>();
        foreach (CallKind kind in Enum.GetValues<CallKind>())
        {
            // A quarter of the kinds is missing in a seed: what is rare beside others is common without them.
            weights[kind] = chance.Happens(0.25) ? 0 : chance.Between(1, 10);
        }

        // Without writes there is nothing to lose, without reads nobody would notice.
        weights[CallKind.Put] += 3;
        weights[CallKind.Get] += 3;
        return new WorkloadPlan
        {
            Clients = chance.Between(7, 11),
            Holders = chance.Between(0, 6),
            Watchers = chance.Between(1, 4),
            Groups = chance.Between(3, 7),
            Pause = TimeSpan.FromMilliseconds(chance.Between(60, 170)),
            Weights = weights,
            Compactions = chance.Pick([0.05, 0.1, 0.4]),
        };
    }
}

/// <summary>What a client may ask for.</summary>
internal enum CallKind
{
    Put,
    Get,
    Delete,
    DeleteRange,

    /// <summary>A write if the key is still as the client last saw it.</summary>
    CompareAndSwap,

    /// <summary>A transaction over several keys.</summary>
    Txn,

    /// <summary>A read of all keys.</summary>
    Range,

    /// <summary>A read of what one member has.</summary>
    SerializableGet,

    /// <summary>A read at an old revision.</summary>
    OldGet,
    Compact,
}
