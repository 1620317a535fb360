using Discovery.Raft;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Network;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Faults;

/// <summary>What goes wrong between members.</summary>
/// <param name="cluster">Who.</param>
/// <param name="chance">Where and how badly.</param>
/// <param name="mend">Has the fault end after a while.</param>
/// <param name="isOver">Whether the time of faults has ended.</param>
internal sealed class NetworkFaults(SimulatedCluster cluster, Chance chance, Action<Action> mend, Func<bool> isOver)
{
    private SimulatedNetwork Network => cluster.Network;

    /// <summary>Causes it; false when it is none between members, or there is nobody to be cut off from.</summary>
    public bool Cause(FaultKind kind)
    {
        if (!Start(kind))
        {
            return false;
        }

        cluster.Simulation.Trace.Add(TraceKind.Fault, "net", text: kind.ToString());
        return true;
    }

    private bool Start(FaultKind kind)
    {
        NodeId[] all = chance.Shuffled(cluster.Members.Select(static member => member.Id));
        if (all.Length < 2)
        {
            return false;
        }

        switch (kind)
        {
            case FaultKind.Isolate:
                Cut(Network.Between(all[..1], all[1..]));
                return true;
            case FaultKind.IsolateLeader when cluster.Leader is { } leader:
                Cut(Network.Between([leader.Id], all));
                return true;
            case FaultKind.Partition:
                int split = chance.Between(1, all.Length - 1);
                Cut(Network.Between(all[..split], all[split..]));
                return true;
            case FaultKind.OneWay:
                OneWay(all);
                return true;
            case FaultKind.Bridge when all.Length > 2:
                int middle = chance.Between(1, all.Length - 2);
                Cut(Network.Between(all[..middle], all[(middle + 1)..]));
                return true;
            case FaultKind.Swizzle:
                Swizzle(all);
                return true;
            case FaultKind.Loss:
                double loss = chance.Between(0.02, 0.5);
                Spoil(all, faults => faults.Loss = loss, static faults => faults.Loss = 0);
                return true;
            case FaultKind.Duplication:
                double repeated = chance.Between(0.02, 0.3);
                Spoil(all, faults => faults.Duplication = repeated, static faults => faults.Duplication = 0);
                return true;
            case FaultKind.Reordering:
                double overtaken = chance.Between(0.02, 0.3);
                Spoil(all, faults => faults.Reordering = overtaken, static faults => faults.Reordering = 0);
                return true;
            case FaultKind.Delay:
                TimeSpan delay = chance.Between(TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(700));
                Spoil(all, faults => faults.Delay = delay, static faults => faults.Delay = TimeSpan.Zero);
                return true;
            case FaultKind.Narrow:
                double bandwidth = chance.Between(5_000.0, 200_000);
                Spoil(all, faults => faults.Bandwidth = bandwidth, static faults => faults.Bandwidth = NetworkLimits.Bandwidth);
                return true;
            default:
                return false;
        }
    }

    private void OneWay(NodeId[] all)
    {
        int split = chance.Between(1, all.Length - 1);
        Cut(chance.Happens(0.5)
            ? Network.Ways(all[..split], all[split..])
            : chance.Shuffled(Network.Ways(all, all)).Take(chance.Between(1, all.Length)));
    }

    private void Cut(IEnumerable<SimulatedLink> ways)
    {
        SimulatedLink[] cut = [.. ways];
        foreach (SimulatedLink way in cut)
        {
            way.Faults.IsCut = true;
        }

        mend(() =>
        {
            foreach (SimulatedLink way in cut)
            {
                way.Faults.IsCut = false;
            }
        });
    }

    /// <summary>FoundationDB's swizzle-clogging: it finds what depends on the order in which neighbours come and go.</summary>
    private void Swizzle(NodeId[] all)
    {
        NodeId[] clogged = all[..chance.Between(1, all.Length)];
        foreach (NodeId member in clogged)
        {
            cluster.Simulation.Events.After(chance.Between(TimeSpan.Zero, TimeSpan.FromSeconds(2)), () =>
            {
                if (isOver())
                {
                    return;
                }

                foreach (SimulatedLink way in Network.Between([member], all))
                {
                    way.Faults.IsClogged = true;
                }

                mend(() =>
                {
                    foreach (SimulatedLink way in Network.Between([member], all))
                    {
                        way.Unclog();
                    }
                });
            });
        }
    }

    private void Spoil(NodeId[] all, Action<LinkFaults> worsen, Action<LinkFaults> restore)
    {
        SimulatedLink[] ways = chance.Shuffled(Network.Ways(all, all));
        ways = ways[..chance.Between(1, ways.Length)];
        foreach (SimulatedLink way in ways)
        {
            worsen(way.Faults);
        }

        mend(() =>
        {
            foreach (SimulatedLink way in ways)
            {
                restore(way.Faults);
            }
        });
    }
}
