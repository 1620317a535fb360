namespace Discovery.Raft;

public sealed partial class RaftNode
{
    private readonly Queue<ulong> _waitingReads = new();
    private int _ticksWithoutLeader;
    private long _uncommittedBytes;

    /// <summary>Whether an entry of this term is committed: before that a leader does not know what is (Raft §8).</summary>
    private bool KnowsCommitted => _log.TermAt(_log.Committed) == _state.Term;

    /// <summary>
    /// Puts a command at the end of the log. False when this node is not the leader, or when too much waits to be
    /// committed; then nothing has happened. True promises nothing yet: the entry is committed when it comes in
    /// <see cref="Ready.Committed"/> under this id, and lost when another comes at its index.
    /// </summary>
    public bool TryPropose(ReadOnlyMemory<byte> payload, out EntryId id)
    {
        id = new EntryId(_state.Term, _log.LastIndex + 1);
        if (_role != RaftRole.Leader || _uncommittedBytes + payload.Length > _settings.UncommittedBytesMax)
        {
            return false;
        }

        _uncommittedBytes += payload.Length;
        _log.Append(new Entry(id, EntryKind.Command, payload));
        return true;
    }

    /// <summary>
    /// Asks for an index that a linearizable read must see applied; the answer comes in <see cref="Ready.Reads"/> once
    /// the leader is confirmed. False when there is no leader to ask, or too many reads wait.
    /// </summary>
    public bool TryReadIndex(ulong context)
    {
        if (_role != RaftRole.Leader || _waitingReads.Count + _confirmedReads.Count >= _settings.ReadsMax)
        {
            return false;
        }

        _waitingReads.Enqueue(context);
        ConfirmReads();
        return true;
    }

    private void BecomeLeader()
    {
        _role = RaftRole.Leader;
        _leader = _settings.Id;
        _uncommittedBytes = 0;
        _log.Append(new Entry(new EntryId(_state.Term, _log.LastIndex + 1), EntryKind.NoOp, default));
    }

    /// <summary>
    /// Commits what a majority holds durably: here, what the own disk holds. Only an entry of the own term is counted;
    /// it commits everything before it (Raft §5.4.2).
    /// </summary>
    private void CommitOwn()
    {
        if (_log.Persisted > _log.Committed && _log.TermAt(_log.Persisted) == _state.Term)
        {
            foreach (Entry entry in _log.Slice(_log.Committed + 1, _log.Persisted, long.MaxValue))
            {
                _uncommittedBytes -= entry.Id.Term == _state.Term ? entry.Payload.Length : 0;
            }

            _log.CommitTo(_log.Persisted);
            _state = _state with { Commit = _log.Committed };
            ConfirmReads();
        }
    }

    private void ConfirmReads()
    {
        // Being the only voter is a quorum's confirmation; knowing what is committed is not given before the no-op.
        while (KnowsCommitted && _waitingReads.TryDequeue(out ulong context))
        {
            _confirmedReads.Add(new ReadState(context, _log.Committed));
        }
    }
}
