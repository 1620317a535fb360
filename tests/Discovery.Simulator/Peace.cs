using Discovery.Raft;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Faults;

namespace Discovery.Simulator;

/// <summary>
/// What must come when nothing is wrong any more: a leader, everybody up to date, the same state on all, an answer to
/// whoever asks.
/// </summary>
/// <param name="cluster">Who.</param>
/// <param name="isSettled">Whether whoever runs the cluster has no more to do.</param>
internal sealed class Peace(SimulatedCluster cluster, Func<bool> isSettled)
{
    /// <summary>A leader must be there so soon: a few election timeouts, and the replacement of members whose disks are gone.</summary>
    private static readonly TimeSpan LeaderWithin = TimeSpan.FromSeconds(40);

    /// <summary>All must have applied the same so soon: snapshots are fetched meanwhile.</summary>
    private static readonly TimeSpan AgreementWithin = TimeSpan.FromSeconds(20);

    /// <summary>A healthy majority must commit something so soon, whatever the others do.</summary>
    private static readonly TimeSpan CoreWorksWithin = TimeSpan.FromSeconds(30);

    private Simulation Simulation => cluster.Simulation;

    /// <summary>Waits until those who are well have committed what came in since.</summary>
    /// <exception cref="Checks.ViolationException">They did not.</exception>
    public void AwaitWork(HealthyCore core)
    {
        bool works = Simulation.RunUntil(() => core.HasWorked, Simulation.Now + CoreWorksWithin);
        Simulation.Tally.Add(works ? "majorities that worked while others were broken" : "majorities that nothing could be asked of");
        if (!works && core.Decides)
        {
            string who = string.Join(' ', core.Members.Select(static member => member.Name));
            Simulation.Position.Fail("liveness", $"{who} are well and a majority, and have committed nothing beyond {core.Before} within {CoreWorksWithin}:\n{Describe()}");
        }
    }

    /// <summary>Waits until the members are those that have a machine, and they have a leader that all know.</summary>
    /// <exception cref="Checks.ViolationException">It did not come.</exception>
    public void AwaitLeader()
    {
        if (!Simulation.RunUntil(() => HasLeader() && isSettled(), Simulation.Now + LeaderWithin))
        {
            Simulation.Position.Fail("liveness", $"no leader that all follow within {LeaderWithin} after the last fault:\n{Describe()}");
        }
    }

    /// <summary>Waits until all have applied the same, and compares it. Nobody writes any more.</summary>
    /// <exception cref="Checks.ViolationException">They do not agree, or not in time.</exception>
    public void AwaitAgreement()
    {
        if (!Simulation.RunUntil(HaveAppliedAll, Simulation.Now + AgreementWithin))
        {
            Simulation.Position.Fail("liveness", $"members are not up to date within {AgreementWithin} after the last write:\n{Describe()}");
        }

        Simulation.Observer.CompareAll(cluster.Members.Select(static member => member.Process!));
    }

    private bool HasLeader()
    {
        ulong leader = cluster.Leader?.Id.Value ?? 0;
        return leader != 0 && cluster.Members.All(member =>
            member.Process is { IsServing: true } process && process.Replica.Status.Leader == leader);
    }

    private bool HaveAppliedAll()
    {
        if (!HasLeader())
        {
            return false;
        }

        ulong last = cluster.Leader!.Process!.Replica.Raft.Last.Index;
        return cluster.Members.All(member => member.Process!.AppliedIndex == last);
    }

    private string Describe() => string.Join('\n', cluster.Members.Select(static member => $"  {member.Name}: {Describe(member)}"));

    private static string Describe(SimulatedMember member)
    {
        if (member.Process is not { IsServing: true } process)
        {
            return $"does not run; {member.LastFailure}";
        }

        RaftStatus raft = process.Replica.Raft;
        return $"{raft.Role} {raft.Id}, leader {raft.Leader}, {raft.HardState}, log up to {raft.Last}, durable {raft.Persisted}, "
            + $"applied {process.AppliedIndex}, revision {process.Replica.View.Revision}, {raft.Membership}";
    }
}
