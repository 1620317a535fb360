namespace Discovery.Raft;

/// <summary>Linearizable reads without the log: the leader notes what is committed, and a majority confirms that it leads (Raft thesis §6.4).</summary>
public sealed partial class RaftNode
{
    private readonly List<(NodeId From, ulong Context)> _newReads = [];
    private readonly Queue<(NodeId From, ulong Context, ulong Index, ulong Round)> _askedReads = new();
    private ulong _round;

    /// <summary>One question at a time: what comes in meanwhile is asked for together.</summary>
#if MUTANTS
    private bool MayAskForReads =>
        _newReads.Count > 0 && _askedReads.Count == 0 && (KnowsCommitted || RaftMutant.ReadBeforeNoOp.IsPlanted());
#else
    private bool MayAskForReads => _newReads.Count > 0 && _askedReads.Count == 0 && KnowsCommitted;
#endif

    /// <summary>
    /// Asks for an index that a linearizable read must see applied; the answer comes in <see cref="Ready.Reads"/> once
    /// the leader, this node or another, is confirmed by a majority. It may never come, when messages are lost or the
    /// leader changes: then ask again. False when there is no leader to ask, or too many reads wait.
    /// </summary>
    /// <param name="context">
    /// Never given before by this member, also not before a restart: the answer to an old question may come late, in the
    /// same term, and its index is too old for a new one.
    /// </param>
    public bool TryReadIndex(ulong context)
    {
        if (_role == RaftRole.Leader)
        {
            if (_newReads.Count + _askedReads.Count + _confirmedReads.Count >= _settings.ReadsMax)
            {
                return false;
            }

            _newReads.Add((_settings.Id, context));
            return true;
        }

        if (_leader is not { } leader)
        {
            return false;
        }

        _outbox.Add(new Message(MessageKind.ReadIndex, _settings.Id, leader, _state.Term) { Context = context });
        return true;
    }

    private void OnReadIndex(in Message question)
    {
        if (_newReads.Count + _askedReads.Count < _settings.ReadsMax)
        {
            _newReads.Add((question.From, question.Context));
        }
    }

    /// <summary>
    /// Notes what is committed now, and asks all whether this node still leads: a majority's word that came after the
    /// question makes the note safe to read at (Raft thesis §6.4). No clock is trusted.
    /// </summary>
    private void AskForReads()
    {
        if (!MayAskForReads)
        {
            return;
        }

        _round++;
        foreach ((NodeId from, ulong context) in _newReads)
        {
            _askedReads.Enqueue((from, context, _log.Committed, _round));
        }

        _newReads.Clear();
        foreach ((NodeId id, Progress progress) in _progress)
        {
            if (_log.Membership.IsVoter(id))
            {
                SendHeartbeat(id, progress);
            }
        }

        ConfirmReads();
    }

    private void ConfirmReads()
    {
        ulong answered = _log.Membership.QuorumOf(id =>
            id == _settings.Id ? _round : _progress.TryGetValue(id, out Progress? progress) ? progress.Round : 0);
#if MUTANTS
        answered = RaftMutant.ReadWithoutRound.IsPlanted() ? _round : answered;
#endif
        while (_askedReads.TryPeek(out (NodeId From, ulong Context, ulong Index, ulong Round) read) && read.Round <= answered)
        {
            _askedReads.Dequeue();
            if (read.From == _settings.Id)
            {
                _confirmedReads.Add(new ReadState(read.Context, read.Index));
            }
            else
            {
                _outbox.Add(new Message(MessageKind.ReadIndexResponse, _settings.Id, read.From, _state.Term)
                {
                    Context = read.Context,
                    Index = read.Index,
                });
            }
        }
    }
}
