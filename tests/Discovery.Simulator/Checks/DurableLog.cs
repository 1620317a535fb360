using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>
/// What one member's disk holds, as far as the run was told: the checker's own account, made from what was reported
/// durable and nothing else. Payloads are kept as fingerprints.
/// </summary>
internal sealed class DurableLog
{
    private readonly List<(ulong Term, UInt128 Content)> _entries = [];
    private readonly List<(ulong Index, Membership Membership)> _memberships = [];

    /// <summary>What the member will remember of itself.</summary>
    public HardState HardState { get; set; }

    /// <summary>The state that stands before the first entry.</summary>
    public EntryId Base { get; private set; }

    /// <summary>The newest state that stands in a file of its own, beside the log.</summary>
    public EntryId State { get; private set; }

    public EntryId Last => _entries.Count == 0 ? Base : new EntryId(_entries[^1].Term, LastIndex);

    public ulong LastIndex => Base.Index + (ulong)_entries.Count;

    /// <summary>The memberships in the log with where they stand, ascending.</summary>
    public IReadOnlyList<(ulong Index, Membership Membership)> Memberships => _memberships;

    /// <summary>The log as a restart found it.</summary>
    public static DurableLog From(RestoredState restored)
    {
        var log = new DurableLog { HardState = restored.HardState, Base = restored.Snapshot, State = restored.Snapshot };
        if (restored.Membership.All.Any())
        {
            log._memberships.Add((restored.Snapshot.Index, restored.Membership));
        }

        foreach (Entry entry in restored.Entries)
        {
            log.Append(entry, ContentOf(entry));
        }

        return log;
    }

    /// <summary>What makes two entries the same but for where they stand.</summary>
    public static UInt128 ContentOf(in Entry entry)
    {
        var hash = default(Fingerprint);
        hash.Add((ulong)entry.Kind);
        hash.Add(entry.Payload.Span);
        return hash.Value;
    }

    public DurableLog Clone()
    {
        var clone = new DurableLog { HardState = HardState, Base = Base, State = State };
        clone._entries.AddRange(_entries);
        clone._memberships.AddRange(_memberships);
        return clone;
    }

    /// <summary>The entry's term; null when it is not there, or lies before <see cref="Base"/>.</summary>
    public ulong? TermAt(ulong index) => index == Base.Index ? Base.Term
        : index > Base.Index && index <= LastIndex ? _entries[(int)(index - Base.Index - 1)].Term
        : null;

    /// <summary>The entry's content; null when it is not there.</summary>
    public UInt128? ContentAt(ulong index) =>
        index > Base.Index && index <= LastIndex ? _entries[(int)(index - Base.Index - 1)].Content : null;

    /// <summary>What the entry at the index says of the members; null when it is about something else.</summary>
    public Membership? MembershipAt(ulong index) => _memberships.Find(one => one.Index == index).Membership;

    /// <summary>Whether the disk keeps what the committed entry did: the entry, or a state that stands at it or later.</summary>
    public bool Holds(EntryId committed) => State.Index >= committed.Index || TermAt(committed.Index) == committed.Term;

    /// <summary>A file with the state at the entry is durable; the log is as it was.</summary>
    public void Keep(EntryId state) => State = state > State ? state : State;

    /// <summary>The log begins at a state; what follows that entry stays when the log agrees up to it.</summary>
    public void BeginAt(EntryId state)
    {
        Keep(state);
        if (TermAt(state.Index) == state.Term)
        {
            _entries.RemoveRange(0, (int)(state.Index - Base.Index));
        }
        else
        {
            _entries.Clear();
        }

        _memberships.RemoveAll(one => one.Index <= state.Index || _entries.Count == 0);
        Base = state;
    }

    /// <summary>Adds an entry, whose <see cref="ContentOf"/> is known; it replaces what stood there and all that followed.</summary>
    public void Append(in Entry entry, UInt128 content)
    {
        ulong index = entry.Id.Index;
        if (index <= LastIndex)
        {
            _entries.RemoveRange((int)(index - Base.Index - 1), (int)(LastIndex - index + 1));
            _memberships.RemoveAll(one => one.Index >= index);
        }

        _entries.Add((entry.Id.Term, content));
        if (entry.Kind == EntryKind.Membership)
        {
            _memberships.Add((index, Membership.Decode(entry.Payload)));
        }
    }
}
