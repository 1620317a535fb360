using Discovery.Simulator.Time;

namespace Discovery.Simulator.Faults;

/// <summary>
/// Which faults a seed has and how often. Swarm testing: a seed with every fault hides what needs a long time without
/// some of them, so each seed has a part of them only.
/// </summary>
internal sealed record FaultPlan
{
    /// <summary>Mean time between two faults; well below ten seconds, so that there are six a minute in every seed.</summary>
    public required TimeSpan Pause { get; init; }

    /// <summary>How long what can be mended lasts on average.</summary>
    public required TimeSpan Lasting { get; init; }

    /// <summary>What happens in this seed, weighted; never empty.</summary>
    public required IReadOnlyList<FaultKind> Kinds { get; init; }

    /// <summary>Whether members are added and removed all the time.</summary>
    public required bool ChangesMembers { get; init; }

    /// <summary>Whether members are updated, and some put back, while it runs.</summary>
    public required bool MixesVersions { get; init; }

    /// <summary>The greatest error of a clock's rate: 0.02 is 2 %.</summary>
    public required double DriftMax { get; init; }

    public static FaultPlan From(Chance chance)
    {
        var kinds = new List<FaultKind>();
        double part = chance.Pick([0.15, 0.3, 0.5]);
        foreach (FaultKind kind in Enum.GetValues<FaultKind>())
        {
            int weight = chance.Happens(part) ? chance.Between(1, 5) : 0;
            kinds.AddRange(Enumerable.Repeat(kind, weight));
        }

        // What can always be caused: six a minute are promised.
        kinds.Add(FaultKind.PowerCut);

        return new FaultPlan
        {
            Pause = chance.Between(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(6)),
            Lasting = chance.Between(TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(4)),
            Kinds = kinds,
            ChangesMembers = chance.Happens(0.4),
            MixesVersions = chance.Happens(0.4),
            DriftMax = chance.Pick([0, 0.001, 0.02, 0.1]),
        };
    }
}
