namespace Discovery.Raft.Tests;

/// <summary>
/// What must hold whatever happens, looked at with every message, write and applied entry of all members (Raft §5.2, the
/// five properties; and that nothing is promised before it is durable).
/// </summary>
internal sealed class Safety
{
    private readonly Dictionary<ulong, NodeId> _leaders = [];
    private readonly Dictionary<EntryId, (EntryId Before, Entry Entry)> _written = [];
    private readonly List<EntryId> _applied = [];
    private readonly List<ulong> _committedIn = [];
    private readonly List<Member> _members = [];

    /// <summary>The greatest index that a leader said is committed.</summary>
    public ulong Committed => (ulong)_committedIn.Count;

    /// <summary>A member is there, or there again.</summary>
    public void Started(Member member)
    {
        if (!_members.Contains(member))
        {
            _members.Add(member);
        }
    }

    /// <summary>After every input: at most one leader a term, and what it commits is durable on a majority.</summary>
    /// <param name="member">Whose input it was.</param>
    /// <param name="led">Whether it led before: a leader that is removed steps down with what it commits last.</param>
    public void Looked(Member member, bool led)
    {
        ulong term = member.Node.Term;
        if (member.Role == RaftRole.Leader && !_leaders.TryAdd(term, member.Id))
        {
            Assert.True(_leaders[term] == member.Id, $"election safety: {_leaders[term]} and {member.Id} lead in term {term}");
        }

        if (led && member.Commit > Committed)
        {
            // A leader commits by an entry of its own term, so its last committed one has this id (Raft §5.4.2).
            var id = new EntryId(term, member.Commit);
            Assert.True(
                member.Node.Membership.IsQuorum(voter => _members.Any(other => other.Id == voter && other.Disk.HasHeld(id))),
                $"leader {member.Id} commits {id}, which is not durable on a majority of {member.Node.Membership}");
            while (Committed < member.Commit)
            {
                _committedIn.Add(term);
            }
        }
    }

    /// <summary>A promise stands on what is on disk.</summary>
    public void Sends(Member from, in Message message)
    {
        HardState state = from.Disk.State;
        switch (message.Kind)
        {
            case MessageKind.VoteRequest:
                Assert.True(state.Term == message.Term && state.VotedFor == from.Id, $"not durable: {message}");
                break;
            case MessageKind.VoteResponse when message.Accepted:
                Assert.True(state.Term == message.Term && state.VotedFor == message.To, $"not durable: {message}");
                break;
            case MessageKind.AppendResponse when message.Accepted && message.Log != default:
                Assert.True(state.Term >= message.Term && from.Disk.HasHeld(message.Log), $"not durable: {message}");
                break;
            case MessageKind.Append:
                Appends(message);
                break;
        }
    }

    /// <summary>Log matching: an entry has the same content and the same entry before it wherever it is written.</summary>
    public void Wrote(Member member, PersistBatch batch)
    {
        for (int i = 0; i < batch.Entries.Count; i++)
        {
            Entry entry = batch.Entries[i];
            int at = member.Disk.Log.Count - batch.Entries.Count + i;
            EntryId before = at > 0 ? member.Disk.Log[at - 1].Id : member.Disk.Snapshot.At;
            if (before.Index + 1 == entry.Id.Index && !_written.TryAdd(entry.Id, (before, entry)))
            {
                (EntryId knownBefore, Entry known) = _written[entry.Id];
                Assert.True(
                    knownBefore == before && known.Kind == entry.Kind && known.Payload.Span.SequenceEqual(entry.Payload.Span),
                    $"log matching: {entry.Id} stands after {knownBefore}, and on {member.Id} after {before}");
            }
        }
    }

    /// <summary>State machine safety: all apply the same entry at the same index, and only what a leader committed.</summary>
    public void Applied(Member member, in Entry entry)
    {
        int at = (int)entry.Id.Index - 1;
        if (at == _applied.Count)
        {
            _applied.Add(entry.Id);
        }

        Assert.True(_applied[at] == entry.Id, $"state machine safety: {member.Id} applies {entry.Id}, another {_applied[at]}");
        Assert.True(entry.Id.Index == 1 || entry.Id.Index <= Committed, $"{member.Id} applies {entry.Id}, which no leader committed");
        if (entry.Id.Index > Committed)
        {
            // The first entry of a cluster that is formed is committed by agreement.
            _committedIn.Add(entry.Id.Term);
        }
    }

    /// <summary>Leader completeness: leaders of later terms hold what was committed (Raft §5.4.3).</summary>
    private void Appends(in Message append)
    {
        Agrees(append.Log, append);
        foreach (Entry entry in append.Entries.Span)
        {
            Agrees(entry.Id, append);
        }
    }

    private void Agrees(EntryId id, in Message append)
    {
        if (id.Index > 0 && id.Index <= (ulong)_applied.Count && id.Index <= Committed && _committedIn[(int)id.Index - 1] < append.Term)
        {
            Assert.True(
                _applied[(int)id.Index - 1] == id,
                $"leader completeness: {append.From} of term {append.Term} sends {id} where {_applied[(int)id.Index - 1]} is committed");
        }
    }
}
