using Discovery.Simulator.Cluster;
using Discovery.Simulator.Disk;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Faults;

/// <summary>Makes things go wrong as planned, and right again.</summary>
internal sealed class FaultInjector(Simulation simulation, IReadOnlyList<SimulatedMember> members, FaultPlan plan)
{
    private readonly Chance _chance = simulation.ChanceOf("faults");
    private bool _isOver;

    /// <summary>Faults so far.</summary>
    public int Count { get; private set; }

    /// <summary>Begins.</summary>
    public void Start()
    {
        foreach (SimulatedMember member in members)
        {
            member.Clock.SetRate(Rate());
        }

        Next();
        Supervise();
    }

    /// <summary>No more faults; what can be mended is.</summary>
    public void Heal()
    {
        _isOver = true;
        foreach (SimulatedMember member in members)
        {
            member.Disk.Faults.Clear();
            member.Process?.Resume();
            member.Start();
        }
    }

    private void Next() => simulation.Events.After(_chance.Around(plan.Pause), () =>
    {
        if (!_isOver)
        {
            Cause(_chance.Pick(plan.Kinds), _chance.Pick(members));
            Next();
        }
    });

    /// <summary>What an operator's system does: a process that has ended is started again after a while.</summary>
    private void Supervise() => simulation.Events.After(TimeSpan.FromMilliseconds(200), () =>
    {
        foreach (SimulatedMember member in members)
        {
            if (!member.IsRunning && (_isOver || _chance.Happens(0.2 / Math.Max(0.3, plan.Lasting.TotalSeconds))))
            {
                member.Start();
            }
        }

        Supervise();
    });

    private void Cause(FaultKind kind, SimulatedMember member)
    {
        Count++;
        simulation.Trace.Add(TraceKind.Fault, member.Name, text: kind.ToString());
        simulation.Tally.Add($"fault {kind}");
        DiskFaults disk = member.Disk.Faults;
        switch (kind)
        {
            case FaultKind.Kill:
                member.Kill(losesPower: false, "killed");
                break;
            case FaultKind.PowerCut:
                member.Kill(losesPower: true, "power cut");
                break;
            case FaultKind.BlackOut:
                foreach (SimulatedMember every in members)
                {
                    every.Kill(losesPower: true, "power cut");
                }

                break;
            case FaultKind.CrashOnDisk:
                disk.CrashAfter(_chance.Between(1, 40));
                break;
            case FaultKind.Pause when member.Process is { } process:
                process.Pause();
                Mend(process.Resume);
                break;
            case FaultKind.ClockRate:
                member.Clock.SetRate(Rate());
                break;
            case FaultKind.ClockSet:
                member.Clock.Set(_chance.Between(TimeSpan.FromHours(-1), TimeSpan.FromHours(1)));
                break;
            case FaultKind.SlowDisk:
                disk.Slowness = _chance.Between(2.0, 500);
                Mend(() => disk.Slowness = 1);
                break;
            case FaultKind.SyncError:
                disk.SyncError = _chance.Between(0.01, 1);
                Mend(() => disk.SyncError = 0);
                break;
            case FaultKind.WriteError:
                disk.WriteError = _chance.Between(0.01, 1);
                Mend(() => disk.WriteError = 0);
                break;
            case FaultKind.ReadError:
                disk.ReadError = _chance.Between(0.01, 0.3);
                Mend(() => disk.ReadError = 0);
                break;
            case FaultKind.DiskFull:
                disk.IsFull = true;
                Mend(() => disk.IsFull = false);
                break;
        }
    }

    private void Mend(Action mended) => simulation.Events.After(_chance.Around(plan.Lasting), mended);

    private double Rate() => 1 + _chance.Between(-plan.DriftMax, plan.DriftMax);
}
