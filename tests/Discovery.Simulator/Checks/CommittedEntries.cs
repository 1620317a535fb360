using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>
/// What is known to be committed: entries as the first member applied them, and the memberships among them. That nobody
/// applies another one is state machine safety (Raft §5.4.3); that ids of members that left never return is ours.
/// </summary>
internal sealed class CommittedEntries(RunPosition position)
{
    private readonly List<(ulong Term, UInt128 Content)> _applied = [];
    private readonly List<(ulong Index, Membership Membership)> _memberships = [];
    private readonly HashSet<NodeId> _left = [];
    private int _seen;

    /// <summary>Where a term's entries are known to be committed up to, by term.</summary>
    public SortedList<ulong, ulong> LastOfTerm { get; } = [];

    /// <summary>The greatest index known to be committed.</summary>
    public ulong LastIndex { get; private set; }

    /// <summary>The greatest index that a member said is committed; which entry that is may not be known yet.</summary>
    public ulong Said { get; set; }

    /// <summary>Notes that the entry is committed. True when that is news.</summary>
    public bool Reach(EntryId id)
    {
        if (id.Index <= LastIndex)
        {
            return false;
        }

        LastIndex = id.Index;
        Said = Math.Max(Said, id.Index);
        LastOfTerm[id.Term] = id.Index;
        return true;
    }

    /// <summary>A member applied an entry: the same as all others, or the first.</summary>
    public void Apply(NodeId on, EntryId id, UInt128 content, Func<Membership?> membership)
    {
        int slot = (int)id.Index - 1;
        while (_applied.Count <= slot)
        {
            // A run may begin from a state: what led to it is not known.
            _applied.Add(default);
        }

        (ulong Term, UInt128 Content) known = _applied[slot];
        if (known.Term == 0)
        {
            _applied[slot] = (id.Term, content);
            if (membership() is { } changed)
            {
                Change(id, changed);
            }

            while (_seen < _applied.Count && _applied[_seen].Term != 0)
            {
                _seen++;
            }
        }
        else if (known.Term != id.Term || known.Content != content)
        {
            position.Fail(
                "state machine safety",
                $"{on} applied {id}; a member before applied an entry of term {known.Term} there"
                + (known.Content == content ? "" : " with another content"));
        }
    }

    /// <summary>The term of an applied entry; null when nobody was seen to apply it.</summary>
    public ulong? TermAt(ulong index) =>
        index > 0 && index <= (ulong)_applied.Count && _applied[(int)index - 1].Term is var term and > 0 ? term : null;

    /// <summary>The membership that stood at the index; null when none was seen, or one may have passed unseen.</summary>
    public Membership? MembershipAt(ulong index)
    {
        int at = _memberships.FindLastIndex(one => one.Index <= index);
        return at < 0 || index > (ulong)_seen ? null : _memberships[at].Membership;
    }

    private void Change(EntryId id, Membership membership)
    {
        foreach (NodeId member in membership.All)
        {
            if (_left.Contains(member))
            {
                position.Fail("ids are never reused", $"membership {id} has {member}, which had left the cluster: {membership}");
            }
        }

        if (_memberships.Count > 0)
        {
            _left.UnionWith(_memberships[^1].Membership.All.Where(member => !membership.Contains(member)));
        }

        _memberships.Add((id.Index, membership));
    }
}
