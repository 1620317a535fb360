using Discovery.Raft;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Network;

/// <summary>The ways between all members, each direction by itself.</summary>
internal sealed class SimulatedNetwork(Simulation simulation)
{
    // Enumerated in the order of first use: nothing is ever removed.
    private readonly Dictionary<(NodeId From, NodeId To), SimulatedLink> _links = [];
    private readonly Chance _chance = simulation.ChanceOf("network");

    /// <summary>All ways that were ever used.</summary>
    public IEnumerable<SimulatedLink> Links => _links.Values;

    public SimulatedLink Link(NodeId from, NodeId to)
    {
        if (!_links.TryGetValue((from, to), out SimulatedLink? link))
        {
            _links[(from, to)] = link = new SimulatedLink(simulation, _chance);
        }

        return link;
    }

    /// <summary>Both ways between each of the ones and each of the others.</summary>
    public IEnumerable<SimulatedLink> Between(IReadOnlyList<NodeId> ones, IReadOnlyList<NodeId> others) =>
        Ways(ones, others).Concat(Ways(others, ones));

    /// <summary>The ways from each of the ones to each of the others.</summary>
    public IEnumerable<SimulatedLink> Ways(IReadOnlyList<NodeId> from, IReadOnlyList<NodeId> to)
    {
        foreach (NodeId one in from)
        {
            foreach (NodeId other in to)
            {
                if (one != other)
                {
                    yield return Link(one, other);
                }
            }
        }
    }

    /// <summary>Everything works again.</summary>
    public void Heal()
    {
        foreach (SimulatedLink link in _links.Values)
        {
            link.Heal();
        }
    }
}
