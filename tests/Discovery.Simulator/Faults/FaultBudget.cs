using Discovery.Raft;
using Discovery.Simulator.Cluster;

namespace Discovery.Simulator.Faults;

/// <summary>
/// How much may be lost for good. Whatever crashes, cuts and pauses do, nothing acknowledged is lost by them, so they are
/// not counted. What a disk loses or changes is: a member whose disk did counts as lost until it has caught up with all
/// that was committed at that time, or is no member any more, and never so many are lost at once that a majority of the
/// voters, of any membership that a member believes in, could be. One more would be allowed to lose data.
/// </summary>
internal sealed class FaultBudget(SimulatedCluster cluster)
{
    /// <summary>Whether the member's disk may be damaged now.</summary>
    public bool MayDamage(SimulatedMember member)
    {
        Note();
        return !member.IsDamaged && AreKnown(out List<Membership> memberships) && memberships.All(membership => IsBearable(membership, member.Id, null));
    }

    /// <summary>Whether the cluster may be made smaller by the member now.</summary>
    public bool MayRemove(SimulatedMember member)
    {
        Note();
        return cluster.Members.All(other => other == member || !other.IsDamaged)
            && AreKnown(out List<Membership> memberships)
            && memberships.All(membership => IsBearable(membership, null, member.Id));
    }

    /// <summary>The disk is damaged from now on.</summary>
    public void Damage(SimulatedMember member) => member.Damage = new DiskDamage(member.Lives, CommitIndex());

    /// <summary>Until its reads no longer fail, a start may find the disk damaged.</summary>
    public void FailReads(SimulatedMember member) => member.Damage = new DiskDamage(member.Lives, CommitIndex(), OnlyReads: true);

    /// <summary>Notes who has made good what its disk had lost.</summary>
    public void Note()
    {
        foreach (SimulatedMember member in cluster.Members)
        {
            if (member.Damage is { } damage
                && member.Disk.Faults.ReadError == 0
                && member.Process is { IsServing: true } process
                && ((damage.OnlyReads && process.Life == damage.Life) || HasHealed(process, damage)))
            {
                member.Damage = null;
            }
        }
    }

    private static bool HasHealed(MemberProcess process, DiskDamage damage) =>
        process.Life > damage.Life
        && !process.Replica.Raft.HardState.IsRecovering
        && process.AppliedIndex >= damage.CommitIndex;

    private bool IsBearable(Membership membership, NodeId? damaged, NodeId? gone)
    {
        if (membership.IsJoint)
        {
            return false;
        }

        // Learners may get their votes at any time.
        return IsBearable(membership.Voters) && IsBearable(membership.All);

        bool IsBearable(IEnumerable<NodeId> members)
        {
            NodeId[] voters = [.. members.Where(id => id != gone)];
            int lost = voters.Count(id => id == damaged || cluster.Find(id) is not { IsDamaged: false });
            return lost <= (voters.Length - 1) / 2;
        }
    }

    /// <summary>Whether enough serve to know the membership in force: it is on a majority of itself and of the one before.</summary>
    private bool AreKnown(out List<Membership> memberships)
    {
        memberships = [];
        foreach (SimulatedMember member in cluster.Members)
        {
            if (member.Process is { IsServing: true } process)
            {
                memberships.Add(process.Replica.Raft.Membership);
            }
        }

        return memberships.Count > 0
            && memberships.All(membership => membership.IsQuorum(id => cluster.Find(id)?.Process is { IsServing: true }));
    }

    private ulong CommitIndex() => cluster.Members
        .Max(static member => member.Process is { IsServing: true } process ? process.Replica.Raft.HardState.Commit : 0);
}
