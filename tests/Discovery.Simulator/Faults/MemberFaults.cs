using Discovery.Simulator.Cluster;
using Discovery.Simulator.Disk;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Faults;

/// <summary>What goes wrong on one machine, or on several at once.</summary>
/// <param name="cluster">Who.</param>
/// <param name="budget">How much may be lost.</param>
/// <param name="chance">Whom and how badly.</param>
/// <param name="drift">The greatest error of a clock's rate.</param>
/// <param name="mend">Has the fault end after a while.</param>
internal sealed class MemberFaults(SimulatedCluster cluster, FaultBudget budget, Chance chance, double drift, Action<Action> mend)
{
    /// <summary>Causes it; false when it cannot be caused now.</summary>
    public bool Cause(FaultKind kind)
    {
        SimulatedMember member = chance.Pick(cluster.Members);
        cluster.Simulation.Trace.Add(TraceKind.Fault, member.Name, text: kind.ToString());
        return CauseOnDisk(kind, member.Disk.Faults) || CauseOn(kind, member) || CauseOnSeveral(kind) || CauseDamage(kind, member);
    }

    /// <summary>A clock's rate.</summary>
    public double Rate() => 1 + chance.Between(-drift, drift);

    private bool CauseOn(FaultKind kind, SimulatedMember member)
    {
        switch (kind)
        {
            case FaultKind.Kill when member.IsRunning:
                member.Kill(losesPower: false, "killed");
                return true;
            case FaultKind.KillLeader when cluster.Leader is { } leader:
                leader.Kill(losesPower: chance.Happens(0.3), "killed while it led");
                return true;
            case FaultKind.PowerCut:
                member.Kill(losesPower: true, "power cut");
                return true;
            case FaultKind.CrashAtEffect when member.Process is { } process:
                process.CrashAt(chance.Pick(Enum.GetValues<Effect>()), chance.Between(1, 20));
                return true;
            case FaultKind.DownUntilSnapshot when member.IsRunning && cluster.Members.Count > 2:
                member.Kill(losesPower: false, "killed until a snapshot");
                member.HeldUntil = cluster.IsForgotten(member);
                return true;
            case FaultKind.Pause when member.Process is { } process:
                process.Pause();
                mend(process.Resume);
                return true;
            case FaultKind.Starvation when member.Process is { } process:
                process.Starve(chance.Between(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(200)));
                mend(() => process.Starve(TimeSpan.Zero));
                return true;
            case FaultKind.ClockRate when drift > 0:
                member.Clock.SetRate(Rate());
                return true;
            case FaultKind.ClockSet:
                member.Clock.Set(chance.Between(TimeSpan.FromHours(-1), TimeSpan.FromHours(1)));
                return true;
            default:
                return false;
        }
    }

    private bool CauseOnSeveral(FaultKind kind)
    {
        switch (kind)
        {
            case FaultKind.KillMajority:
                foreach (SimulatedMember member in chance.Shuffled(cluster.Members).Take((cluster.Members.Count / 2) + 1))
                {
                    member.Kill(chance.Happens(0.5), "killed with others");
                }

                return true;
            case FaultKind.BlackOut:
                foreach (SimulatedMember member in cluster.Members)
                {
                    member.Kill(losesPower: true, "power cut");
                }

                return true;
            default:
                return false;
        }
    }

    private bool CauseDamage(FaultKind kind, SimulatedMember member)
    {
        if (member.ClusterId == 0 || !budget.MayDamage(member))
        {
            return false;
        }

        switch (kind)
        {
            case FaultKind.FlipLogBit when member.Disk.FlipBit(static path => path.EndsWith(".wal", StringComparison.Ordinal)) is not null:
                budget.Damage(member);
                member.Kill(chance.Happens(0.5), "a bit of its log changed");
                return true;
            case FaultKind.FlipSnapshotBit when member.Disk.FlipBit(static path => path.EndsWith(".snap", StringComparison.Ordinal)) is not null:
                budget.Damage(member);
                if (chance.Happens(0.5))
                {
                    member.Kill(chance.Happens(0.5), "a bit of a snapshot changed");
                }

                return true;
            case FaultKind.ReadError:
                // A start takes what it cannot read for lost, and has the others heal it: so it may be as bad as damage.
                budget.FailReads(member);
                member.Disk.Faults.ReadError = chance.Between(0.01, 0.3);
                mend(() => member.Disk.Faults.ReadError = 0);
                return true;
            case FaultKind.LoseDisk:
                budget.Damage(member);
                member.Kill(losesPower: true, "its disk is gone");
                member.Disk.Wipe();
                member.IsLost = true;
                cluster.Simulation.Observer.Wiped(member);
                return true;
            default:
                return false;
        }
    }

    private bool CauseOnDisk(FaultKind kind, DiskFaults disk)
    {
        switch (kind)
        {
            case FaultKind.CrashOnDisk:
                disk.CrashAfter(chance.Between(1, 40));
                return true;
            case FaultKind.SlowDisk:
                disk.Slowness = chance.Between(2.0, 500);
                mend(() => disk.Slowness = 1);
                return true;
            case FaultKind.SyncError:
                disk.SyncError = chance.Between(0.01, 1);
                mend(() => disk.SyncError = 0);
                return true;
            case FaultKind.WriteError:
                disk.WriteError = chance.Between(0.01, 1);
                mend(() => disk.WriteError = 0);
                return true;
            case FaultKind.DiskFull:
                disk.IsFull = true;
                mend(() => disk.IsFull = false);
                return true;
            default:
                return false;
        }
    }
}
