using Discovery.Raft;
using Discovery.Simulator.Network;

namespace Discovery.Simulator.Cluster;

/// <summary>The machines of a cluster and the network between them.</summary>
internal sealed class SimulatedCluster(Simulation simulation)
{
    private readonly List<SimulatedMember> _members = [];

    public Simulation Simulation => simulation;

    public SimulatedNetwork Network { get; } = new(simulation);

    /// <summary>All that take part, in the order in which they came.</summary>
    public IReadOnlyList<SimulatedMember> Members => _members;

    /// <summary>The member that leads in the latest term; null when none does.</summary>
    public SimulatedMember? Leader => _members
        .Where(static member => member.Process is { IsServing: true } process && process.Replica.Status.Leader == member.Id.Value)
        .MaxBy(static member => member.Process!.Replica.Status.Term);

    public void Add(SimulatedMember member) => _members.Add(member);

    public SimulatedMember? Find(NodeId id) => _members.Find(member => member.Id == id);

    /// <summary>Becomes true when the others have forgotten the entries that the member lacks, or will not soon.</summary>
    public Func<bool> IsForgotten(SimulatedMember member)
    {
        ulong had = (ulong)_members.Max(static other => (long)(other.Process?.AppliedIndex ?? 0));
        int needed = 2 * member.Options.CatchUpEntries;
        TimeSpan latest = simulation.Now + TimeSpan.FromSeconds(20);
        return () => simulation.Now > latest || _members.Any(other => other.Process is { } process && process.AppliedIndex > had + (ulong)needed);
    }
}
