using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Proves Raft's invariants (Raft figure 3, and what a disk adds to them) at every step that it is shown, by its own
/// account of every disk: one leader a term; a leader's log only grows; equal ids mean equal logs; what is committed is
/// in the log of every later leader and leaves no disk again; one entry an index is applied, everywhere; a
/// commit is durable on a majority of the members in force before anyone acts on it; votes and acknowledgements say
/// only what is on disk; term, vote, commit never go back; a restart finds all that was durable; ids are never reused;
/// quorums of successive memberships overlap; members go by the membership that their log says. Exact for what it is shown: it raises no false alarm; what a member applied
/// is compared once its own disk holds it, so what it applied and lost in a crash before that is not seen. A step costs what is new in it, a restart the length of the log.
/// </summary>
/// <remarks>
/// The driver's duties, each call as soon as it happens, with <see cref="RunPosition"/> moved before:
/// <see cref="Started"/> after a disk was read, before the member's first step; <see cref="PersistDue"/> when a batch is
/// given to the disk; <see cref="Persisted"/> when it is durable, before the member hears so; <see cref="SnapshotDurable"/>
/// when a file with its state is, its own or a received one, before the member hears so; <see cref="Sent"/> for each of
/// Raft's messages that leaves a member; <see cref="Observe"/> after each call into the member, and when it publishes what
/// it applied; <see cref="Wiped"/> when its disk is lost. A crash needs no call.
/// </remarks>
internal sealed class RaftInvariants
{
    private readonly RunPosition _position;
    private readonly Dictionary<NodeId, MemberTrace> _members = [];
    private readonly Dictionary<ulong, NodeId> _leaders = [];
    private readonly EntryRegister _entries;
    private readonly CommittedEntries _committed;
    private readonly CommitRules _commits;

    /// <summary>Knows nobody yet.</summary>
    public RaftInvariants(RunPosition position)
    {
        _position = position;
        _entries = new EntryRegister(position);
        _committed = new CommittedEntries(position);
        _commits = new CommitRules(position, _members, _entries, _committed);
    }

    /// <summary>The greatest index known to be committed.</summary>
    public ulong CommittedIndex => _committed.LastIndex;

    /// <summary>A member begins, for the first time or again, with what it found on its disk.</summary>
    public void Started(NodeId node, RestoredState restored)
    {
        bool isNew = !_members.TryGetValue(node, out MemberTrace? known);
        MemberTrace member = known ?? new MemberTrace(node);
        _members[node] = member;
        if (member.IsWiped)
        {
            _position.Fail("ids are never reused", $"{node} starts again after its disk was lost: it may have voted, and forgot");
        }

        if (isNew)
        {
            NoteFirstStart(member, restored);
        }
        else
        {
            DiskRules.CheckRestart(_position, member, restored, _committed);
            member.Lost = restored.HardState.IsRecovering ? member.Lost ?? member.Disk : null;
        }

        member.Disk = DurableLog.From(restored);
        member.Writing = null;
        member.Status = null;
        member.Applied = restored.Snapshot.Index;
    }

    /// <summary>The member's disk is lost, and with it its identity.</summary>
    public void Wiped(NodeId node)
    {
        // One that lost its disk before it was ever opened promised nothing.
        if (_members.TryGetValue(node, out MemberTrace? member))
        {
            member.IsWiped = true;
        }
    }

    /// <summary>A batch was given to the disk; it is durable at some later moment, or never.</summary>
    public void PersistDue(NodeId node, PersistBatch batch)
    {
        MemberTrace member = MemberOf(node);
        if (member.Writing is not null)
        {
            _position.Fail("one write at a time", $"{node} gives a batch to its disk before the one before is durable");
        }

        member.Writing = batch;
    }

    /// <summary>The batch is durable.</summary>
    public void Persisted(NodeId node, PersistBatch batch)
    {
        MemberTrace member = MemberOf(node);
        DurableLog disk = member.Disk;
        member.Writing = null;
        CheckHardState(member, batch.HardState);
        bool leadsAlready = disk.HardState.Term == batch.HardState.Term
            && disk.Last.Term == disk.HardState.Term
            && _leaders.GetValueOrDefault(batch.HardState.Term) == node;
        if (batch.Snapshot is { } state)
        {
            KeepState(member, state);
            disk.BeginAt(state);
        }

        if (batch.Entries.Count > 0)
        {
            EntryId first = batch.Entries[0].Id;
            if (first.Index > disk.LastIndex + 1 || first.Index <= disk.Base.Index)
            {
                _position.Fail("log without gaps", $"{node} writes {first} to a log that holds {disk.Base} to {disk.Last}");
            }

            if (leadsAlready && first.Index != disk.LastIndex + 1)
            {
                _position.Fail("leader append-only", $"{node} leads term {batch.HardState.Term} and replaces its entry {first.Index} by {first}; its log ended at {disk.Last}");
            }
        }

        foreach (Entry entry in batch.Entries)
        {
            Append(member, entry);
        }

        disk.HardState = batch.HardState;
        if (!batch.HardState.IsRecovering && member.Lost is { } lost)
        {
            EndRecovery(member, lost);
        }
    }

    /// <summary>A file with the state at the entry is durable, made by the member or received by it.</summary>
    public void SnapshotDurable(NodeId node, EntryId state) => KeepState(MemberOf(node), state);

    /// <summary>A message leaves a member: what it promises must be on disk.</summary>
    public void Sent(in Message message)
    {
        MemberTrace member = MemberOf(message.From);
        switch (message.Kind)
        {
            case MessageKind.Append:
                Lead(message.From, message.Term);
                break;
            case MessageKind.VoteResponse when message.Accepted:
                CheckVote(member, message.Term, message.To);
                break;
            case MessageKind.VoteRequest:
                CheckVote(member, message.Term, message.From);
                break;
            case MessageKind.AppendResponse when message.Accepted && message.Log.Index > 0:
                if (!member.Disk.Holds(message.Log) || member.Disk.HardState.Term < message.Term)
                {
                    _position.Fail(
                        "acknowledgements are durable first",
                        $"{member.Id} acknowledges {message.Log} in term {message.Term}; its disk holds {member.Disk.Base} to {member.Disk.Last}, {member.Disk.HardState}");
                }

                break;
        }
    }

    /// <summary>Where a member stands, after each call into it.</summary>
    public void Observe(in RaftStatus status)
    {
        MemberTrace member = MemberOf(status.Id);
        if (status.Role == RaftRole.Leader)
        {
            Lead(status.Id, status.HardState.Term);
        }

        if (member.Status is { } before)
        {
            CheckProgress(before, status);
        }

        if (status.Applied > status.HardState.Commit || status.HardState.Commit > status.Last.Index)
        {
            _position.Fail("commits exist before they are applied", $"{status}");
        }

        _committed.Said = Math.Max(_committed.Said, status.HardState.Commit);
        EntryId? committed = CommittedBy(member, status);
        member.Status = status;
        _commits.CheckMembership(member, status);
        if (committed is { } id && _committed.Reach(id))
        {
            _commits.CheckLaterLeaders(id);
            _commits.CheckDurable(member, id, status.Membership);
        }

        CompareApplied(member, status);
    }

    private MemberTrace MemberOf(NodeId node) => _members.TryGetValue(node, out MemberTrace? member)
        ? member
        : throw new ArgumentException($"{node} was never started");

    /// <summary>A cluster is formed with its first entry committed: that much is given, not decided.</summary>
    private void NoteFirstStart(MemberTrace member, RestoredState restored)
    {
        ulong previousTerm = restored.Snapshot.Term;
        foreach (Entry entry in restored.Entries)
        {
            _entries.Add(member.Id, entry.Id, DurableLog.ContentOf(entry), previousTerm);
            previousTerm = entry.Id.Term;
            if (entry.Id.Index <= restored.HardState.Commit)
            {
                _committed.Reach(entry.Id);
            }
        }

        _committed.Reach(restored.Snapshot);
        if (restored.HardState.VotedFor is { } vote)
        {
            member.Votes[restored.HardState.Term] = vote;
        }
    }

    private void CheckVote(MemberTrace member, ulong term, NodeId candidate)
    {
        if (member.Votes.GetValueOrDefault(term) != candidate || member.Disk.HardState.IsRecovering)
        {
            _position.Fail("votes are durable first", $"{member.Id} votes for {candidate} in term {term}; its disk says {member.Disk.HardState}");
        }
    }

    private void Lead(NodeId node, ulong term)
    {
        if (!_leaders.TryAdd(term, node) && _leaders[term] != node)
        {
            _position.Fail("election safety", $"{node} leads term {term}, which {_leaders[term]} has led");
        }
    }

    /// <summary>
    /// The newest entry that the member takes as committed, if its term can be told: a leader commits by counting entries
    /// of its own term only (Raft §5.4.2); else its disk tells, as far as its log is what the disk holds.
    /// </summary>
    private static EntryId? CommittedBy(MemberTrace member, in RaftStatus status)
    {
        ulong index = status.HardState.Commit;
        if (status.Role == RaftRole.Leader && member.Status is { Role: RaftRole.Leader } before
            && before.HardState.Term == status.HardState.Term && before.HardState.Commit < index)
        {
            return new EntryId(status.HardState.Term, index);
        }

        return index <= status.Persisted && index > member.Disk.State.Index && member.Disk.TermAt(index) is { } term
            ? new EntryId(term, index)
            : null;
    }

    /// <summary>Compares what was applied with what others applied, as far as the log is what the disk holds.</summary>
    private void CompareApplied(MemberTrace member, in RaftStatus status)
    {
        DurableLog disk = member.Disk;
        ulong known = Math.Min(Math.Min(status.Applied, status.Persisted), disk.LastIndex);
        for (ulong index = member.Applied + 1; index <= known; index++)
        {
            if (disk.ContentAt(index) is { } content)
            {
                ulong at = index;
                _committed.Apply(member.Id, new EntryId(disk.TermAt(index)!.Value, index), content, () => disk.MembershipAt(at));
            }
        }

        member.Applied = Math.Max(member.Applied, known);
    }

    private void CheckHardState(MemberTrace member, in HardState next)
    {
        HardState before = member.Disk.HardState;
        if (next.Term < before.Term)
        {
            _position.Fail("terms never go back", $"{member.Id} writes {next} over {before}");
        }

        if (next.Term == before.Term && before.VotedFor is not null && next.VotedFor is null)
        {
            _position.Fail("one vote a term", $"{member.Id} writes {next} over {before}: the vote is forgotten");
        }

        if (next.VotedFor is { } vote && !member.Votes.TryAdd(next.Term, vote) && member.Votes[next.Term] != vote)
        {
            _position.Fail("one vote a term", $"{member.Id} writes {next}; it voted for {member.Votes[next.Term]} in that term");
        }
    }

    private void KeepState(MemberTrace member, EntryId state)
    {
        if (state.Index > _committed.Said || (_committed.TermAt(state.Index) is { } term && term != state.Term))
        {
            _position.Fail(
                "snapshots are committed",
                $"{member.Id} has the state at {state}; committed is {_committed.Said}, there of term {_committed.TermAt(state.Index)}");
        }

        member.Disk.Keep(state);
        member.Applied = Math.Max(member.Applied, state.Index);
    }

    /// <summary>A member that recovers has all back that was committed with its help before it may vote again.</summary>
    private void EndRecovery(MemberTrace member, DurableLog lost)
    {
        ulong last = Math.Min(_committed.LastIndex, lost.LastIndex);
        if (_committed.TermAt(last) is { } term && lost.TermAt(last) == term && !member.Disk.Holds(new EntryId(term, last)))
        {
            _position.Fail("recovery ends with everything back", $"{member.Id} ends it with a log up to {member.Disk.Last}; it lost {term}.{last}, which is committed");
        }

        member.Lost = null;
    }

    private void Append(MemberTrace member, in Entry entry)
    {
        DurableLog disk = member.Disk;
        ulong index = entry.Id.Index;
        if (index <= disk.LastIndex && disk.TermAt(index) != entry.Id.Term && disk.TermAt(index) == _committed.TermAt(index))
        {
            _position.Fail("committed entries stay", $"{member.Id} replaces {disk.TermAt(index)}.{index}, which is committed, by {entry.Id}");
        }

        if (disk.TermAt(index - 1) is not { } previousTerm)
        {
            _position.Fail("log without gaps", $"{member.Id} writes {entry.Id} to a log that holds {disk.Base} to {disk.Last}");
            return;
        }

        UInt128 content = DurableLog.ContentOf(entry);
        disk.Append(entry, content);
        if (!_entries.Add(member.Id, entry.Id, content, previousTerm))
        {
            return;
        }

        if (entry.Kind == EntryKind.Membership)
        {
            MembershipRules.Check(
                _position, member.Id, entry.Id, _commits.MembershipBefore(disk, index), disk.Memberships[^1].Membership, IsLost);
        }

        if (previousTerm != entry.Id.Term)
        {
            _commits.CheckNewLeader(disk, entry.Id);
        }
    }

    private bool IsLost(NodeId node) => _members.TryGetValue(node, out MemberTrace? member) && member.IsWiped;

    private void CheckProgress(in RaftStatus before, in RaftStatus now)
    {
        if (now.HardState.Term < before.HardState.Term)
        {
            _position.Fail("terms never go back", $"{before} became {now}");
        }

        if (now.HardState.Commit < before.HardState.Commit || now.Applied < before.Applied)
        {
            _position.Fail("commits never go back", $"{before} became {now}");
        }

        if (now.HardState.Term == before.HardState.Term)
        {
            if (before.HardState.VotedFor is { } vote && now.HardState.VotedFor != vote)
            {
                _position.Fail("one vote a term", $"{before} became {now}");
            }

            if (before.Role == RaftRole.Leader && now.Role == RaftRole.Leader && now.Last < before.Last)
            {
                _position.Fail("leader append-only", $"{before} became {now}");
            }
        }
    }
}
