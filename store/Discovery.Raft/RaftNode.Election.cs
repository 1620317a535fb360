namespace Discovery.Raft;

public sealed partial class RaftNode
{
    private readonly Dictionary<NodeId, bool> _votes = [];
    private int _ticksSinceLeader;
    private int _timeout;
    private bool _isLeaderSuspected;

    /// <summary>
    /// Whether a leader is alive as far as this node knows. While one is, nobody else is helped to an election: a member
    /// that cannot hear it would depose it again and again.
    /// </summary>
    private bool HearsLeader =>
        _role == RaftRole.Leader
        || (_leader is not null && !_isLeaderSuspected && _ticksSinceLeader < _settings.ElectionTicks);

    /// <summary>
    /// Voters may. So may a member that is on its way out until that is committed (Raft thesis §4.2.2): when only its log
    /// has the entry that takes its vote, those who stay cannot win without that entry, and nobody else can give it to them.
    /// A member whose disk lost what it acknowledged must not lead: what it lost may be committed.
    /// </summary>
    private bool CanCampaign => _log.MayBeVoter(_settings.Id) && !_state.IsRecovering;

    /// <summary>Asks now whether an election could be won, and stands for it if so (Raft §5.2, thesis §9.6).</summary>
    public void Campaign()
    {
        if (_role == RaftRole.Leader || !CanCampaign)
        {
            return;
        }

#if MUTANTS
        if (RaftMutant.NoPreVote.IsPlanted())
        {
            BecomeCandidate(byLeader: false);
            CountVotes();
            return;
        }
#endif
        _role = RaftRole.PreCandidate;
        _leader = null;
        AwaitVotes();
        foreach (NodeId voter in OtherVoters())
        {
            _outbox.Add(new Message(MessageKind.PreVoteRequest, _settings.Id, voter, _state.Term + 1) { Log = _log.Last });
        }

        CountVotes();
    }

    /// <summary>
    /// A member cannot be reached: messages to it may be lost, and its process may be dead. If it is the leader, waiting
    /// for a whole election timeout would be a pity: this node soon asks the others, and those that still hear the
    /// leader say no.
    /// </summary>
    public void ReportUnreachable(NodeId id)
    {
        if (_progress.TryGetValue(id, out Progress? progress))
        {
            progress.FallBack();
        }
        else if (_role == RaftRole.Follower && id == _leader && !_isLeaderSuspected)
        {
            _isLeaderSuspected = true;

            // By chance, so that not all ask at once.
            _timeout = Math.Min(_timeout, _ticksSinceLeader + 1 + _random.Next(2 * _settings.HeartbeatTicks));
        }
    }

    private void TickFollower()
    {
        if (++_ticksSinceLeader < _timeout)
        {
            return;
        }

        if (CanCampaign)
        {
            Campaign();
        }
        else
        {
            _leader = null;
            AwaitLeader();
        }
    }

    private void AwaitLeader()
    {
        _votes.Clear();
        _isLeaderSuspected = false;
        _ticksSinceLeader = 0;
        _timeout = _settings.ElectionTicks + _random.Next(_settings.ElectionTicks);
    }

    /// <summary>
    /// Shorter than the wait for a leader that may just be slow: this election either comes to something within a few
    /// messages, or the votes were split, or the others had not lost the leader yet. A heartbeat is longer than a message
    /// and its answer take, so a few of them are enough.
    /// </summary>
    private void AwaitVotes()
    {
        AwaitLeader();
        _timeout = Math.Min(_timeout, (2 * _settings.HeartbeatTicks) + 1 + _random.Next(4 * _settings.HeartbeatTicks));
    }

    private IEnumerable<NodeId> OtherVoters() =>
        _log.Membership.Voters.Union(_log.Membership.Outgoing).Where(id => id != _settings.Id);

    /// <param name="byLeader">The leader asked for it: who still hears the leader may vote all the same.</param>
    private void BecomeCandidate(bool byLeader)
    {
        _role = RaftRole.Candidate;
        _leader = null;
        _state = _state with { Term = _state.Term + 1, VotedFor = _settings.Id };
        _promises.Clear();
        AwaitVotes();
        foreach (NodeId voter in OtherVoters())
        {
            // Not before the term is durable: after a crash this node might stand in the same term with a shorter log,
            // and count votes that were given to the longer one.
            Promise(0, new Message(MessageKind.VoteRequest, _settings.Id, voter, _state.Term)
            {
                Log = _log.Last,
                Accepted = byLeader,
            });
        }
    }

    /// <summary>
    /// Grants at most one vote a term, and only to a log as new as ours (Raft §5.2, §5.4.1). To a pre-vote only says what
    /// would be.
    /// </summary>
    private void OnVoteRequest(in Message request)
    {
        bool pre = request.Kind == MessageKind.PreVoteRequest;
        bool free = _state.VotedFor == request.From
            || (_state.VotedFor is null && _leader is null)
            || (pre && request.Term > _state.Term);
        bool granted = free && !_state.IsRecovering && request.Log >= _log.Last;
#if MUTANTS
        granted |= RaftMutant.VoteTwice.IsPlanted() && request.Log >= _log.Last;
        granted |= RaftMutant.VoteForOlderLog.IsPlanted() && free && !_state.IsRecovering;
        granted |= RaftMutant.DamagedMemberVotes.IsPlanted() && free && request.Log >= _log.Last;
#endif
        if (pre)
        {
            _outbox.Add(new Message(
                MessageKind.PreVoteResponse, _settings.Id, request.From, granted ? request.Term : _state.Term)
            {
                Accepted = granted,
            });
            return;
        }

        var response = new Message(MessageKind.VoteResponse, _settings.Id, request.From, _state.Term) { Accepted = granted };
        if (!granted)
        {
            _outbox.Add(response);
            return;
        }

        _state = _state with { VotedFor = request.From };
        _role = RaftRole.Follower;
        AwaitLeader();
#if MUTANTS
        if (RaftMutant.VoteBeforeSync.IsPlanted())
        {
            _outbox.Add(response);
            return;
        }
#endif

        // A vote forgotten in a crash elects two leaders.
        Promise(0, response);
    }

    private void OnVoteResponse(in Message response)
    {
        bool isAnswer = response.Kind == MessageKind.PreVoteResponse
            ? _role == RaftRole.PreCandidate && response.Term == _state.Term + (response.Accepted ? 1u : 0u)
            : _role == RaftRole.Candidate && response.Term == _state.Term;
        if (isAnswer)
        {
            _ = _votes.TryAdd(response.From, response.Accepted);
            CountVotes();
        }
    }

    private void CountVotes()
    {
        if (_log.Membership.IsQuorum(VotedYes))
        {
            if (_role == RaftRole.PreCandidate)
            {
                BecomeCandidate(byLeader: false);
            }
            else
            {
                BecomeLeader();
            }
        }
        else if (_log.Membership.IsQuorum(VotedNo))
        {
            BecomeFollower(_state.Term, null);
        }
    }

    /// <summary>The vote for oneself counts once it is on disk, as every vote does.</summary>
    private bool VotedYes(NodeId id) => id == _settings.Id
        ? _role == RaftRole.PreCandidate || IsStateDurable
        : _votes.TryGetValue(id, out bool yes) && yes;

    private bool VotedNo(NodeId id) => _votes.TryGetValue(id, out bool yes) && !yes;

    private void OnTimeoutNow()
    {
        if (_role is RaftRole.Follower or RaftRole.PreCandidate && CanCampaign)
        {
            BecomeCandidate(byLeader: true);
        }
    }
}
