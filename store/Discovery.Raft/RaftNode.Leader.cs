namespace Discovery.Raft;

public sealed partial class RaftNode
{
    private readonly Dictionary<NodeId, Progress> _progress = [];
    private long _uncommittedBytes;
    private int _ticksSinceHeartbeat;
    private int _ticksSinceQuorumCheck;
    private NodeId? _successor;
    private int _ticksSinceHandover;

    /// <summary>Whether an entry of this term is committed: before that a leader does not know what is (Raft §8).</summary>
    private bool KnowsCommitted => _log.TermAt(_log.Committed) == _state.Term;

    /// <summary>Whether <see cref="SendAll"/> would send anything.</summary>
    private bool HasToSend
    {
        get
        {
            if (MayAskForReads)
            {
                return true;
            }

            foreach (Progress progress in _progress.Values)
            {
                if (Wants(progress))
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>What the leader knows of the other members; empty when this node does not lead.</summary>
    public IReadOnlyList<FollowerStatus> Followers() =>
    [
        .. _progress.Select(static pair => new FollowerStatus(
            pair.Key, pair.Value.Match, pair.Value.IsActive || pair.Value.WasActive, pair.Value.Mode == ReplicationMode.Snapshot)),
    ];

    /// <summary>
    /// Puts a command at the end of the log. When it is not accepted, nothing has happened. Accepted promises nothing
    /// yet: the entry is committed when it comes in <see cref="Ready.Committed"/> under this id, and lost when another
    /// comes at its index.
    /// </summary>
    public ProposalOutcome TryPropose(ReadOnlyMemory<byte> payload, out EntryId id)
    {
        id = new EntryId(_state.Term, _log.LastIndex + 1);
        if (_role != RaftRole.Leader)
        {
            return ProposalOutcome.NotLeader;
        }

        if (_successor is not null)
        {
            return ProposalOutcome.HandingOver;
        }

        if (_uncommittedBytes + payload.Length > _settings.UncommittedBytesMax)
        {
            return ProposalOutcome.Busy;
        }

        AppendOwn(EntryKind.Command, payload);
        return ProposalOutcome.Accepted;
    }

    /// <summary>
    /// Changes who the members are. Other voters than before go through a time in which both majorities decide; the
    /// leader ends it by itself (Raft §6). One change at a time, and none before this term has committed an entry.
    /// </summary>
    /// <param name="voters">The voters from then on; at least one.</param>
    /// <param name="learners">The members without a vote from then on.</param>
    /// <param name="context">Comes with the entries that carry the change, the last of which is in force alone.</param>
    public ProposalOutcome TryChangeMembership(
        IReadOnlyCollection<NodeId> voters, IReadOnlyCollection<NodeId> learners, ReadOnlyMemory<byte> context)
    {
        if (_role != RaftRole.Leader)
        {
            return ProposalOutcome.NotLeader;
        }

        if (_successor is not null)
        {
            return ProposalOutcome.HandingOver;
        }

        Membership now = _log.Membership;
        if (now.IsJoint || !KnowsCommitted || _log.MembershipIndex > _log.Committed)
        {
            return ProposalOutcome.Busy;
        }

        Invariant.Holds(voters.Count > 0);
        var next = new Membership(voters, learners) { Context = context };
#if MUTANTS
        if (RaftMutant.NoJointChange.IsPlanted())
        {
            AppendOwn(EntryKind.Membership, next.Encode());
            return ProposalOutcome.Accepted;
        }
#endif
        if (!next.Voters.SequenceEqual(now.Voters))
        {
            next = new Membership(voters, learners, outgoing: now.Voters) { Context = context };
        }

        AppendOwn(EntryKind.Membership, next.Encode());
        return ProposalOutcome.Accepted;
    }

    /// <summary>
    /// Hands leadership to a voter as soon as it has the whole log; no proposals are taken meanwhile. Given up after an
    /// election timeout. False when this node does not lead or the other is no voter.
    /// </summary>
    public bool TransferLeadership(NodeId to)
    {
        if (_role != RaftRole.Leader || !_log.Membership.Voters.Contains(to))
        {
            return false;
        }

        if (to != _settings.Id)
        {
            (_successor, _ticksSinceHandover) = (to, 0);
            HandOverWhenReady();
        }

        return true;
    }

    /// <summary>A follower that was offered a snapshot is seen fetching it: it need not be offered again.</summary>
    public void ReportSnapshot(NodeId id)
    {
        if (_progress.TryGetValue(id, out Progress? progress))
        {
            progress.TicksSinceOffer = 0;
            progress.IsActive = true;
        }
    }

    private void TickLeader()
    {
        if (_successor is not null && ++_ticksSinceHandover >= _settings.ElectionTicks)
        {
            _successor = null;
        }

        if (++_ticksSinceQuorumCheck >= _settings.ElectionTicks)
        {
            _ticksSinceQuorumCheck = 0;
            if (!IsHeardByQuorum())
            {
                // Cut off: the others may have elected somebody else, and whoever asks here must not wait for ever.
                BecomeFollower(_state.Term, null);
                return;
            }
        }

        if (++_ticksSinceHeartbeat >= _settings.HeartbeatTicks)
        {
            _ticksSinceHeartbeat = 0;
            foreach ((NodeId id, Progress progress) in _progress)
            {
                progress.WasProbed = false;
                progress.TicksSinceOffer += _settings.HeartbeatTicks;
                SendHeartbeat(id, progress);
                if (progress is { Mode: ReplicationMode.Snapshot, IsActive: true }
                    && progress.TicksSinceOffer >= _settings.ElectionTicks)
                {
                    OfferSnapshot(id, progress);
                }
            }
        }
    }

    private bool IsHeardByQuorum()
    {
#if MUTANTS
        if (RaftMutant.NoCheckQuorum.IsPlanted())
        {
            return true;
        }
#endif
        bool heard = _log.Membership.IsQuorum(id => id == _settings.Id || (_progress.TryGetValue(id, out Progress? of) && of.IsActive));
        foreach (Progress progress in _progress.Values)
        {
            (progress.WasActive, progress.IsActive) = (progress.IsActive, false);
        }

        return heard;
    }

    private void BecomeLeader()
    {
        _role = RaftRole.Leader;
        _leader = _settings.Id;
        _votes.Clear();
        _uncommittedBytes = 0;
        _round = 0;
        (_ticksSinceHeartbeat, _ticksSinceQuorumCheck) = (0, 0);
        FollowMembership();
        AppendOwn(EntryKind.NoOp, default);
    }

    private void EndLeading()
    {
        _progress.Clear();
        _newReads.Clear();
        _askedReads.Clear();
        _successor = null;
    }

    private void AppendOwn(EntryKind kind, ReadOnlyMemory<byte> payload)
    {
        _uncommittedBytes += payload.Length;
        _log.Append(new Entry(new EntryId(_state.Term, _log.LastIndex + 1), kind, payload));
        if (kind == EntryKind.Membership)
        {
            FollowMembership();
        }
    }

    private void FollowMembership()
    {
        foreach (NodeId gone in _progress.Keys.Where(id => !_log.Membership.Contains(id)).ToArray())
        {
            _progress.Remove(gone);
        }

        foreach (NodeId id in _log.Membership.All)
        {
            if (id != _settings.Id)
            {
                _ = _progress.TryAdd(id, new Progress(_log.LastIndex + 1));
            }
        }
    }

    /// <summary>All that came in since the last time goes out together: one message for many proposals.</summary>
    private void SendAll()
    {
        AskForReads();
        foreach ((NodeId id, Progress progress) in _progress)
        {
            while (Wants(progress))
            {
                SendEntries(id, progress);
            }
        }
    }

    private bool Wants(Progress progress) => progress.Mode switch
    {
        ReplicationMode.Probe => !progress.IsPaused && (progress.Next > _log.Before.Index || progress.IsActive),
        ReplicationMode.Replicate => progress.Next > _log.LastIndex
            ? progress.ToldCommit < _log.Committed
            : progress.HasRoom(_settings.InflightMax, _settings.InflightBytesMax),
        _ => false,
    };

    /// <summary>Sends what comes next, perhaps nothing: then it asks whether the logs agree, and tells the commit index.</summary>
    private void SendEntries(NodeId id, Progress progress)
    {
        ulong before = progress.Next - 1;
        if (before < _log.Before.Index)
        {
            OfferSnapshot(id, progress);
            return;
        }

        Entry[] entries = _log.Slice(progress.Next, _log.LastIndex, _settings.MessageBytesMax);
        _outbox.Add(new Message(MessageKind.Append, _settings.Id, id, _state.Term)
        {
            Log = new EntryId(_log.TermAt(before), before),
            Index = _log.Committed,
            Entries = entries,
        });
        progress.ToldCommit = _log.Committed;
        if (entries.Length > 0 || progress.Mode == ReplicationMode.Probe)
        {
            progress.Sent(before + (ulong)entries.Length, entries.Sum(static entry => (long)entry.Payload.Length));
        }
    }

    private void OfferSnapshot(NodeId id, Progress progress)
    {
        progress.OfferSnapshot();
        _outbox.Add(new Message(MessageKind.InstallSnapshot, _settings.Id, id, _state.Term) { Log = _log.Before });
    }

    private void SendHeartbeat(NodeId id, Progress progress) =>
        _outbox.Add(new Message(MessageKind.Append, _settings.Id, id, _state.Term)
        {
            // Claims nothing of the log, so it can tell only what is known to be shared.
#if MUTANTS
            Index = RaftMutant.CommitInHeartbeat.IsPlanted() ? _log.Committed : Math.Min(progress.Match, _log.Committed),
#else
            Index = Math.Min(progress.Match, _log.Committed),
#endif
            Context = _round,
        });

    private void OnAppendResponse(in Message response)
    {
        if (!_progress.TryGetValue(response.From, out Progress? progress))
        {
            return;
        }

        progress.IsActive = true;
        if (response.Context > progress.Round)
        {
            progress.Round = response.Context;
            ConfirmReads();
        }

        if (!response.Accepted)
        {
            OnRefusal(progress, response);
        }
        else if (response.Log == default)
        {
            OnHeartbeatResponse(response.From, progress);
        }
        else
        {
            OnAcknowledgement(progress, response.Log);
        }
    }

    private void OnRefusal(Progress progress, in Message refusal)
    {
        ulong mayAgree = refusal.Log.Index <= _log.Before.Index
            ? refusal.Log.Index
            : _log.LastAtMost(refusal.Log.Index, refusal.Log.Term, progress.Match).Index;
        _ = progress.Refused(refusal.Index, mayAgree);
    }

    private void OnHeartbeatResponse(NodeId from, Progress progress)
    {
        progress.IsPaused = false;
        if (progress is { Mode: ReplicationMode.Replicate, WasProbed: false } && progress.Match < _log.LastIndex)
        {
            // Something may have been lost: an empty append after all that was sent is refused if so.
            progress.WasProbed = true;
            if (progress.Next <= _log.Before.Index)
            {
                // What is to be sent next is gone: it waited for room that lost acknowledgements never made.
                progress.FallBack();
                return;
            }

            ulong sent = progress.Next - 1;
            _outbox.Add(new Message(MessageKind.Append, _settings.Id, from, _state.Term)
            {
                Log = new EntryId(_log.TermAt(sent), sent),
                Index = _log.Committed,
            });
        }
    }

    private void OnAcknowledgement(Progress progress, EntryId agreed)
    {
        // Log matching (Raft §5.3): who acknowledges holds the same entry.
        Invariant.Holds(agreed.Index <= _log.Before.Index || _log.Holds(agreed));
        bool isNews = progress.Acknowledged(agreed.Index);
        if (progress.Mode == ReplicationMode.Probe
            || (progress.Mode == ReplicationMode.Snapshot && progress.Match >= _log.Before.Index))
        {
            progress.Replicate();
        }

        if (isNews)
        {
            CommitByMajority();
            HandOverWhenReady();
        }
    }

    /// <summary>
    /// Commits what a majority holds durably. Only an entry of the own term is counted; it commits everything before it
    /// (Raft §5.4.2).
    /// </summary>
    private void CommitByMajority()
    {
        ulong held = _log.Membership.QuorumOf(HeldBy);
        bool isOwn = held > _log.Committed && _log.TermAt(held) == _state.Term;
#if MUTANTS
        isOwn |= RaftMutant.CommitOfOlderTerm.IsPlanted() && held > _log.Committed;
#endif
        if (!isOwn)
        {
            return;
        }

        _uncommittedBytes -= _log.PayloadBytesOf(_state.Term, after: _log.Committed, last: held);
        _log.CommitTo(held);
        EndMembershipChange();
    }

    private ulong HeldBy(NodeId id) =>
#if MUTANTS
        id == _settings.Id && RaftMutant.OwnCopyBeforeSync.IsPlanted() ? _log.LastIndex :
#endif
        id == _settings.Id ? _log.Persisted : _progress.TryGetValue(id, out Progress? progress) ? progress.Match : 0;

    private void EndMembershipChange()
    {
        Membership now = _log.Membership;
        if (_log.MembershipIndex > _log.Committed)
        {
            return;
        }

        if (now.IsJoint)
        {
            AppendOwn(EntryKind.Membership, new Membership(now.Voters, now.Learners) { Context = now.Context }.Encode());
        }
        else if (!now.Voters.Contains(_settings.Id))
        {
            StepDownAsRemoved();
        }
    }

    /// <summary>The change is committed and this node has no vote any more (Raft §6): the others hear so, one of them takes over.</summary>
    private void StepDownAsRemoved()
    {
        SendAll();
        NodeId heir = _log.Membership.Voters.MaxBy(HeldBy);
        _outbox.Add(new Message(MessageKind.TimeoutNow, _settings.Id, heir, _state.Term));
        BecomeFollower(_state.Term, null);
    }

    private void HandOverWhenReady()
    {
        if (_successor is { } successor && HeldBy(successor) == _log.LastIndex)
        {
            _outbox.Add(new Message(MessageKind.TimeoutNow, _settings.Id, successor, _state.Term));
        }
    }
}
