using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Which membership may follow which: voters change only through a joint one, so that every quorum of the one shares a
/// member with every quorum of the other (Raft §6); who lost his disk is not taken in again under the same id.
/// </summary>
internal static class MembershipRules
{
    public static void Check(
        RunPosition position, NodeId on, EntryId id, Membership? before, Membership after, Func<NodeId, bool> isLost)
    {
        if (before is null || !before.All.Any())
        {
            return;
        }

        bool sameVoters = after.Voters.SequenceEqual(before.Voters);
        bool isFine = after.IsJoint
            ? (sameVoters && after.Outgoing.SequenceEqual(before.Outgoing)) || (!before.IsJoint && after.Outgoing.SequenceEqual(before.Voters))
            : sameVoters;
        if (!isFine)
        {
            position.Fail("quorums overlap", $"{on} has membership {id}, {after}, after {before}; voters change only through a joint one");
        }

        foreach (NodeId member in after.All)
        {
            if (!before.Contains(member) && isLost(member))
            {
                position.Fail("ids are never reused", $"{on} has membership {id}, {after}, which takes in {member} again, whose disk was lost");
            }
        }
    }
}
