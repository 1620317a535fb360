namespace Discovery.Raft;

public sealed partial class RaftNode
{
    /// <summary>
    /// The state that stands at the entry, and the members as of it, have been fetched and are durable: the log goes on
    /// from there. False when the log has all of that already, or the node leads; then the fetched state is not needed,
    /// and nothing but the commit index may have changed.
    /// </summary>
    public bool Restore(EntryId snapshot, Membership membership)
    {
        if (_role == RaftRole.Leader || snapshot.Index <= _log.Committed)
        {
            return false;
        }

        if (_log.Holds(snapshot))
        {
            FollowCommit(snapshot.Index);
            return false;
        }

        // What was to be acknowledged beyond the state is not here any more.
        _promises.RemoveAll(promise => promise.Index > snapshot.Index);
        _log.Reset(snapshot, membership);
        _installed = snapshot;
        _state = _state with { Commit = snapshot.Index };
        if (_leader is { } leader)
        {
            Promise(snapshot.Index, AppendResponse(leader, snapshot));
        }

        EndRecovery();
        return true;
    }

    private Message AppendResponse(NodeId to, EntryId agreed) =>
        new(MessageKind.AppendResponse, _settings.Id, to, _state.Term) { Accepted = true, Log = agreed };

    private void HearLeader(NodeId leader)
    {
        // Two leaders of one term: a majority voted twice (Raft §5.2, election safety).
        Invariant.Holds(_role != RaftRole.Leader);
        Invariant.Holds(_role != RaftRole.Follower || _leader is null || _leader == leader);
        if (_role != RaftRole.Follower || _leader is null)
        {
            BecomeFollower(_state.Term, leader);
        }
        else if (_isLeaderSuspected)
        {
            // It lives; the short wait was for a dead one.
            AwaitLeader();
        }

        _ticksSinceLeader = 0;
    }

    private void OnAppend(in Message append)
    {
        HearLeader(append.From);
        if (append.Log == default && append.Entries.IsEmpty)
        {
            // A heartbeat. Its commit index is not above what the leader knows this log to share.
            FollowCommit(Math.Min(append.Index, _log.LastIndex));
            _outbox.Add(AppendResponse(append.From, default) with { Context = append.Context });
            return;
        }

        if (append.Log.Index < _log.Committed)
        {
            // Old, or the leader does not know how far we are. What is committed is shared with every leader.
            var committed = new EntryId(_log.TermAt(_log.Committed), _log.Committed);
            Promise(committed.Index, AppendResponse(append.From, committed));
            return;
        }

        if (!_log.Holds(append.Log))
        {
            _outbox.Add(AppendResponse(append.From, default) with
            {
                Accepted = false,
                Index = append.Log.Index,
                Log = _log.LastAtMost(append.Log.Index, append.Log.Term, _log.Committed),
            });
            return;
        }

        _log.TakeOver(append.Entries.Span);
        ulong last = append.Log.Index + (ulong)append.Entries.Length;
        FollowCommit(Math.Min(append.Index, last));
#if MUTANTS
        if (RaftMutant.AcknowledgeBeforeSync.IsPlanted())
        {
            _outbox.Add(AppendResponse(append.From, new EntryId(_log.TermAt(last), last)));
            return;
        }
#endif
        Promise(last, AppendResponse(append.From, new EntryId(_log.TermAt(last), last)));
    }

    private void OnInstallSnapshot(in Message offer)
    {
        HearLeader(offer.From);
        if (offer.Log.Index > _log.Committed && _log.Holds(offer.Log))
        {
            // What has a state is committed, and all that it stands for is here: nothing needs to be fetched.
            FollowCommit(offer.Log.Index);
        }

        if (offer.Log.Index <= _log.Committed)
        {
            var committed = new EntryId(_log.TermAt(_log.Committed), _log.Committed);
            Promise(committed.Index, AppendResponse(offer.From, committed));
        }
    }

    private void FollowCommit(ulong index)
    {
        if (index > _log.Committed)
        {
            _log.CommitTo(index);
            EndRecovery();
        }
    }

    /// <summary>
    /// A committed entry of the leader's own term, durable here: everything that was ever committed is before it, and
    /// this leader, elected after the damage, counts only what was said since.
    /// </summary>
    private void EndRecovery()
    {
        if (_state.IsRecovering
            && _leader is not null
            && _log.Committed <= _log.Persisted
            && _log.TermAt(_log.Committed) == _state.Term)
        {
            _state = _state with { IsRecovering = false };
        }
    }
}
