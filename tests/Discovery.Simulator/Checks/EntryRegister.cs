using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Every entry that was ever durable anywhere, with the term of the one before it. That one id never stands for two
/// contents, nor for two predecessors, is log matching (Raft §5.3) by induction: equal ids mean equal logs up to them.
/// </summary>
internal sealed class EntryRegister(RunPosition position)
{
    private const string Name = "log matching";

    private readonly Dictionary<EntryId, (ulong PreviousTerm, UInt128 Content)> _entries = [];
    private readonly SortedList<ulong, EntryId> _firstOfTerm = [];

    /// <summary>Each term's first entry, by term: what stands before it is the log that its leader was elected with.</summary>
    public SortedList<ulong, EntryId> FirstOfTerm => _firstOfTerm;

    /// <summary>Notes a durable entry. True when its id was not known.</summary>
    public bool Add(NodeId on, EntryId id, UInt128 content, ulong previousTerm)
    {
        if (_entries.TryGetValue(id, out (ulong PreviousTerm, UInt128 Content) known))
        {
            if (known.Content != content)
            {
                position.Fail(Name, $"entry {id} of {on} has another content than on a member before");
            }

            if (known.PreviousTerm != previousTerm)
            {
                position.Fail(Name, $"entry {id} of {on} follows an entry of term {previousTerm}; on a member before it followed one of term {known.PreviousTerm}");
            }

            return false;
        }

        if (previousTerm > id.Term)
        {
            position.Fail(Name, $"entry {id} of {on} follows an entry of the later term {previousTerm}");
        }

        _entries.Add(id, (previousTerm, content));
        if (previousTerm != id.Term && !_firstOfTerm.TryAdd(id.Term, id))
        {
            position.Fail(Name, $"entry {id} of {on} is the first of its term; before, {_firstOfTerm[id.Term]} was: two leaders of one term");
        }

        return true;
    }

    /// <summary>The term at an index of the log that ends with the entry; null when it was never durable or never told.</summary>
    public ulong? TermBefore(EntryId end, ulong index)
    {
        EntryId at = end;
        while (at.Index > index)
        {
            if (!_entries.TryGetValue(at, out (ulong PreviousTerm, UInt128 Content) known))
            {
                return null;
            }

            at = new EntryId(known.PreviousTerm, at.Index - 1);
        }

        return at.Index == index ? at.Term : null;
    }
}
