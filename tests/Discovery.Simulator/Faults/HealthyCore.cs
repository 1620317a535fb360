using Discovery.Raft;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Faults;

/// <summary>
/// A majority that is well while the others are not. It must work all the same: whoever is left outside, one of which may
/// still lead and be heard without hearing, must neither keep it from a leader nor depose the one it has.
/// </summary>
internal sealed class HealthyCore
{
    private HealthyCore(IReadOnlyList<SimulatedMember> members, ulong before) => (Members, Before) = (members, before);

    /// <summary>Who is well.</summary>
    public IReadOnlyList<SimulatedMember> Members { get; }

    /// <summary>No log reached beyond this index when it was chosen.</summary>
    public ulong Before { get; }

    /// <summary>Whether something was committed that came in since.</summary>
    public bool HasWorked => Members.Any(member => member.Process is { IsServing: true } process && process.Replica.Raft.HardState.Commit > Before);

    /// <summary>Whether it decides alone, by every membership that one of it goes by: only then something can be asked of it.</summary>
    public bool Decides => Members.All(member =>
        member.Process is { IsServing: true } process && IsEnough(process.Replica.Raft.Membership, Members));

    /// <summary>The smallest there is, by chance; null when all are needed, or some have lost what they promised to keep.</summary>
    public static HealthyCore? Choose(SimulatedCluster cluster, Chance chance)
    {
        SimulatedMember[] serving = [.. cluster.Members.Where(static member => member.Process is { IsServing: true })];
        if (serving.Length == 0)
        {
            return null;
        }

        Membership[] memberships = [.. serving.Select(static member => member.Process!.Replica.Raft.Membership)];
        ulong before = serving.Max(static member => member.Process!.Replica.Raft.Last.Index);
        SimulatedMember[] well = chance.Shuffled(cluster.Members.Where(static member => !member.IsDamaged && !member.IsLost && !member.IsRemoved));
        for (int count = 1; count <= well.Length && count < cluster.Members.Count; count++)
        {
            SimulatedMember[] core = well[..count];
            if (memberships.All(membership => IsEnough(membership, core)))
            {
                return new HealthyCore(core, before);
            }
        }

        return null;
    }

    private static bool IsEnough(Membership membership, IReadOnlyList<SimulatedMember> members) =>
        membership.Voters.Length > 0 && membership.IsQuorum(id => members.Any(member => member.Id == id));
}
