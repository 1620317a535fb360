using System.Collections.Immutable;
using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>
/// What must hold for an entry that is committed: enough disks of the members in force hold it, and so does the log of
/// every later leader (Raft §5.4).
/// </summary>
internal sealed class CommitRules(
    RunPosition position, Dictionary<NodeId, MemberTrace> members, EntryRegister entries, CommittedEntries committed)
{
    /// <summary>The membership in force just before the index, as the log has it; null when nobody can say.</summary>
    public Membership? MembershipBefore(DurableLog log, ulong index)
    {
        int last = log.Memberships.Count - 1;
        while (last >= 0 && log.Memberships[last].Index >= index)
        {
            last--;
        }

        // The log tells none: then it is that of the state before it, which others have applied.
        return last >= 0 ? log.Memberships[last].Membership : committed.MembershipAt(Math.Min(index - 1, log.Base.Index));
    }

    /// <summary>The membership in force is what the newest entry of the own log says, committed or not (Raft §6).</summary>
    public void CheckMembership(MemberTrace member, in RaftStatus status)
    {
        DurableLog disk = member.Disk;
        bool isAllOnDisk = status.Persisted == status.Last.Index && disk.Last == status.Last;
        if (isAllOnDisk && MembershipBefore(disk, status.Last.Index + 1) is { } wanted && !wanted.Equals(status.Membership))
        {
            position.Fail("membership as the log says", $"{member.Id} goes by {status.Membership}; its log up to {status.Last} says {wanted}");
        }
    }

    /// <summary>
    /// A commit needs the disks of a majority. In force is what the leader's log said when it counted: the membership at
    /// the entry, or a later one of the same log.
    /// </summary>
    public void CheckDurable(MemberTrace by, EntryId id, Membership current)
    {
        List<NodeId> holders = [.. members.Values.Where(member => member.Holds(id)).Select(static member => member.Id)];
        if (IsQuorum(current, holders) || (MembershipBefore(by.Disk, id.Index + 1) is { } before && IsQuorum(before, holders)))
        {
            return;
        }

        foreach ((ulong index, Membership membership) in by.Disk.Memberships)
        {
            if (index > id.Index && IsQuorum(membership, holders))
            {
                return;
            }
        }

        position.Fail(
            "commits are durable first",
            $"{by.Id} takes {id} as committed; it is on the disks of [{string.Join(' ', holders)}], which are no quorum of {current}");
    }

    /// <summary>The entry is known to be committed now: whoever led a later term had it.</summary>
    public void CheckLaterLeaders(EntryId id)
    {
        SortedList<ulong, EntryId> firsts = entries.FirstOfTerm;
        for (int i = firsts.Count - 1; i >= 0 && firsts.GetKeyAtIndex(i) > id.Term; i--)
        {
            EntryId first = firsts.GetValueAtIndex(i);
            if (first.Index <= id.Index || (entries.TermBefore(first, id.Index) is { } term && term != id.Term))
            {
                FailCompleteness(first, id);
            }
        }
    }

    /// <summary>A term's first entry shows the log that its leader was elected with: all that is committed is in it.</summary>
    public void CheckNewLeader(DurableLog log, EntryId first)
    {
        for (int i = committed.LastOfTerm.Count - 1; i >= 0; i--)
        {
            var known = new EntryId(committed.LastOfTerm.GetKeyAtIndex(i), committed.LastOfTerm.GetValueAtIndex(i));
            if (known.Term < first.Term)
            {
                if (known.Index >= first.Index || !log.Holds(known))
                {
                    FailCompleteness(first, known);
                }

                return;
            }
        }
    }

    /// <summary>Counted here and not by the code that is judged.</summary>
    private static bool IsQuorum(Membership membership, List<NodeId> holders) =>
        IsMajority(membership.Voters, holders) && (membership.Outgoing.IsEmpty || IsMajority(membership.Outgoing, holders));

    private static bool IsMajority(ImmutableArray<NodeId> set, List<NodeId> holders) => 2 * set.Count(holders.Contains) > set.Length;

    private void FailCompleteness(EntryId first, EntryId missing) => position.Fail(
        "leader completeness", $"the leader of term {first.Term} began its log at {first} and lacks {missing}, which is committed");
}
