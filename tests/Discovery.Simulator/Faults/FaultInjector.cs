using Discovery.Raft;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Network;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Faults;

/// <summary>Makes things go wrong as planned, and right again.</summary>
internal sealed class FaultInjector
{
    /// <summary>A machine may fail while its member is made, too.</summary>
    private const double FirstStartCrashes = 0.1;

    private readonly SimulatedCluster _cluster;
    private readonly Simulation _simulation;
    private readonly FaultPlan _plan;
    private readonly Chance _chance;
    private readonly MemberFaults _member;
    private readonly NetworkFaults _network;
    private bool _isOver;

    public FaultInjector(SimulatedCluster cluster, FaultBudget budget, FaultPlan plan)
    {
        _cluster = cluster;
        _simulation = cluster.Simulation;
        _plan = plan;
        _chance = _simulation.ChanceOf("faults");
        _member = new MemberFaults(cluster, budget, _chance, plan.DriftMax, Mend);
        _network = new NetworkFaults(cluster, _chance, Mend, () => _isOver);
    }

    /// <summary>Begins.</summary>
    public void Start()
    {
        foreach (SimulatedMember member in _cluster.Members)
        {
            member.Clock.SetRate(_member.Rate());
            if (_chance.Happens(FirstStartCrashes))
            {
                member.Disk.Faults.CrashAfter(_chance.Between(1, 30));
            }
        }

        Next();
        Supervise();
    }

    /// <summary>No more faults; what can be mended is.</summary>
    public void Heal()
    {
        _isOver = true;
        _simulation.Trace.Add(TraceKind.Fault, "all", text: "healed");
        _cluster.Network.Heal();
        foreach (SimulatedMember member in _cluster.Members)
        {
            Heal(member);
        }
    }

    /// <summary>
    /// No more faults, and some members are well, and between them everything is. The others stay as they are, and from
    /// each to each of the core, and back, either nothing arrives from now on or everything.
    /// </summary>
    public void HealCore(IReadOnlyList<SimulatedMember> core)
    {
        _isOver = true;
        _simulation.Trace.Add(TraceKind.Fault, "all", text: $"healed: {string.Join(' ', core.Select(static member => member.Name))}");
        NodeId[] ids = [.. core.Select(static member => member.Id)];
        foreach (SimulatedLink way in _cluster.Network.Ways(ids, ids))
        {
            way.Heal();
        }

        NodeId[] others = [.. _cluster.Members.Except(core).Select(static member => member.Id)];
        foreach (SimulatedLink way in _cluster.Network.Between(ids, others))
        {
            way.Heal();
            way.Faults.IsSevered = _chance.Happens(0.5);
        }

        foreach (SimulatedMember member in core)
        {
            Heal(member);
        }
    }

    private static void Heal(SimulatedMember member)
    {
        member.Disk.Faults.Clear();
        member.Process?.Resume();
        member.Process?.Starve(TimeSpan.Zero);
        member.Process?.CrashAt(default, 0);
        member.HeldUntil = null;
        member.Start();
    }

    private void Next() => _simulation.Events.After(_plan.Pause * _chance.Between(0.2, 1.8), () =>
    {
        if (!_isOver)
        {
            // What cannot be caused now, because nobody leads or too much is damaged, is not counted; another is.
            while (!Cause(_chance.Pick(_plan.Kinds)))
            {
                _simulation.Tally.Add("attempts that caused nothing");
            }

            Next();
        }
    });

    private bool Cause(FaultKind kind)
    {
        if (!_network.Cause(kind) && !_member.Cause(kind))
        {
            return false;
        }

        _simulation.Tally.Add($"fault {kind}");
        return true;
    }

    private void Mend(Action mended) => _simulation.Events.After(_chance.Around(_plan.Lasting), mended);

    /// <summary>What an operator's system does: a process that has ended is started again after a while.</summary>
    private void Supervise() => _simulation.Events.After(TimeSpan.FromMilliseconds(200), () =>
    {
        double probability = _isOver ? 1 : Math.Min(1, 0.2 / Math.Max(0.3, _plan.Lasting.TotalSeconds));
        foreach (SimulatedMember member in _cluster.Members)
        {
            if (member.IsRunning || member.HeldUntil?.Invoke() == false)
            {
                continue;
            }

            member.HeldUntil = null;
            if (_chance.Happens(probability))
            {
                member.Start();
            }
        }

        Supervise();
    });
}
