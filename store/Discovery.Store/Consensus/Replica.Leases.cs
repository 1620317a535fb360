using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Consensus;

/// <summary>
/// Leases: granted and revoked by the log, renewed and expired by the leader's clock alone, and only when a majority has
/// confirmed that it still leads. Members that do not lead ask it.
/// </summary>
internal sealed partial class Replica
{
    private readonly LeaseTable _leases;
    private readonly List<LeaseRequest> _leaseRequests = [];
    private readonly Dictionary<ulong, (TimeSpan AskedAt, List<LeaseRequest> Requests)> _leaseQuestions = [];
    private readonly List<(LeaseRequest Request, Action<long>? Remote)> _doubts = [];
    private readonly HashSet<long> _beingCleared = [];
    private readonly HashSet<long> _beingWritten = [];
    private TimeSpan _lastLeaseTick;
    private TimeSpan _pauses;
    private ulong _lastQuestion;

    /// <summary>
    /// The leases' clock. It stands still while the process does: renewals that waited for it meanwhile must not come too
    /// late (etcd's stuck leader revoked all leases, issue 15247).
    /// </summary>
    private TimeSpan LeaseTime(TimeSpan now) => now - _pauses;

    private void TickLeases(TimeSpan now, TimeSpan since, EtcdError error)
    {
        TimeSpan pause = now - _lastLeaseTick - Limits.LeaseTickMax;
        _pauses += pause > TimeSpan.Zero ? pause : TimeSpan.Zero;
        _lastLeaseTick = now;
        FailOldLeases(now, since, error);
        if (!_leads)
        {
            return;
        }

        TimeSpan leaseNow = LeaseTime(now);
        foreach (long id in _leases.TakeExpired(leaseNow, Limits.LeaseExpiriesPerTick))
        {
            // Not revoked yet: a leader that was cut off must not end leases that the others keep renewing.
            _confirmations.Enter(new Expiry(id, _leases) { Since = now });
        }

        if (_leases.TakeCheckpoints(leaseNow, Limits.LeaseExpiriesPerTick) is { Count: > 0 } checkpoints && WriteDown(checkpoints))
        {
            _beingWritten.UnionWith(checkpoints.Select(static checkpoint => checkpoint.Id));
        }
    }

    private void FollowLease(in Command command, in CommandResult result, TimeSpan now)
    {
        if (result.Response is LeaseGrantResponse grant && _leads)
        {
            _leases.Grant(grant.ID, grant.TTL, LeaseTime(now));
        }
        else if (command.Request is LeaseRevokeRequest revoke)
        {
            _leases.Remove(revoke.ID);
        }
        else if (command.Request is LeaseCheckpointRequest written)
        {
            _beingWritten.ExceptWith(written.Checkpoints.Where(static checkpoint => checkpoint.RemainingTTL > 0).Select(static checkpoint => checkpoint.ID));
        }
    }

    /// <summary>
    /// Nobody knows how long ago the last leader heard of them: none gets less than it may have left. Not before all that
    /// former leaders decided is applied: what they wrote down, or took back, of a lease may be among it.
    /// </summary>
    private void ResumeLeases(TimeSpan now)
    {
#if MUTANTS
        if (StoreMutant.LeasesNotResumed.IsPlanted())
        {
            foreach (LeaseView lease in _keyspace.Leases.Values.Where(lease => _leads && _leases.Remaining(lease.Id, default) < 0))
            {
                _leases.Resume(lease, LeaseTime(now));
            }

            return;
        }
#endif
        _leases.Clear();
        _beingCleared.Clear();
        _beingWritten.Clear();
#if MUTANTS
        if (_leads && (KnowsWhatWasDecided || StoreMutant.LeasesResumedEarly.IsPlanted()))
#else
        if (_leads && KnowsWhatWasDecided)
#endif
        {
            foreach (LeaseView lease in _keyspace.Leases.Values)
            {
                _leases.Resume(lease, LeaseTime(now));
            }
        }
    }

    private bool ProposeRevocation(long leaseId) =>
        ProposeOwn(new Command(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = leaseId }));

    private bool WriteDown(IReadOnlyList<(long Id, long RemainingSeconds)> checkpoints)
    {
        if (!Allows(CommandKind.LeaseCheckpoint))
        {
            return false;
        }

        var request = new LeaseCheckpointRequest();
        foreach ((long id, long seconds) in checkpoints)
        {
            request.Checkpoints.Add(new LeaseCheckpoint { ID = id, RemainingTTL = seconds });
        }

        return ProposeOwn(new Command(CommandKind.LeaseCheckpoint, request));
    }

    /// <summary>Asks whoever leads; without a leader they wait.</summary>
    private void AskLeases()
    {
        if (_leaseRequests.Count == 0 || _node.Leader is not { } leader)
        {
            return;
        }

        if (_node.Role == RaftRole.Leader)
        {
#if MUTANTS
            if (StoreMutant.RenewWithoutQuorum.IsPlanted())
            {
                _leaseRequests.ForEach(request => AnswerLease(request, _lastLeaseTick));
                _leaseRequests.Clear();
            }
#endif
            _leaseRequests.ForEach(_confirmations.Enter);
        }
        else
        {
            AskLeader(leader, [.. _leaseRequests.Where(static request => request.Renew)], renew: true);
            AskLeader(leader, [.. _leaseRequests.Where(static request => !request.Renew)], renew: false);
        }

        _leaseRequests.Clear();
    }

    private void AskLeader(NodeId leader, List<LeaseRequest> requests, bool renew)
    {
        if (requests.Count > 0)
        {
            _leaseQuestions.Add(++_lastQuestion, (_lastLeaseTick, requests));
            long[] ids = [.. requests.Select(static request => request.LeaseId)];
            Send?.Invoke(new LeaseQuestion(Self, leader, _node.Term, _lastQuestion, renew, ids));
        }
    }

    private void TakeLeaseAnswer(LeaseAnswer answer)
    {
        // One that was asked again meanwhile is answered by the later question.
        if (_leaseQuestions.Remove(answer.Question, out (TimeSpan AskedAt, List<LeaseRequest> Requests) asked))
        {
            for (int i = 0; i < Math.Min(asked.Requests.Count, answer.Seconds.Count); i++)
            {
                asked.Requests[i].Complete(answer.Seconds[i]);
            }
        }
    }

    private void TakeLeaseQuestion(LeaseQuestion question, TimeSpan now)
    {
        if (_node.Role == RaftRole.Leader && question.Term == _node.Term)
        {
#if MUTANTS
            if (StoreMutant.RenewWithoutQuorum.IsPlanted())
            {
                AnswerLeases(new RemoteLeases(question), now);
                return;
            }
#endif
            _confirmations.Enter(new RemoteLeases(question) { Since = now });
        }
    }

    private void AnswerLease(LeaseRequest request, TimeSpan now) => AnswerLease(request, null, now);

    private void AnswerLeases(RemoteLeases remote, TimeSpan now)
    {
        LeaseQuestion question = remote.Question;
        long[] seconds = new long[question.LeaseIds.Count];
        int open = seconds.Length;
        for (int i = 0; i < seconds.Length; i++)
        {
            int place = i;
            AnswerLease(new LeaseRequest(question.LeaseIds[i], question.Renew) { Since = now }, Answer, now);

            void Answer(long answer)
            {
                seconds[place] = answer;
                if (--open == 0)
                {
                    Send?.Invoke(new LeaseAnswer(Self, question.From, question.Question, seconds));
                }
            }
        }
    }

    private void AnswerLease(LeaseRequest request, Action<long>? remote, TimeSpan now)
    {
        bool isInDoubt = _leases.IsExpiring(request.LeaseId) || (request.Renew && IsWrittenDown(request.LeaseId));
#if MUTANTS
        isInDoubt &= !StoreMutant.RenewAtExpiry.IsPlanted();
#endif
        if (isInDoubt)
        {
            // The revocation is in the log already: whether the lease lives is known when it is applied. Or what was left
            // of it is, and a later leader would go by that: the renewal counts when the log says so.
            _doubts.Add((request, remote));
            return;
        }

        long seconds = request.Renew ? _leases.Renew(request.LeaseId, LeaseTime(now)) : _leases.Remaining(request.LeaseId, LeaseTime(now));
        if (remote is null)
        {
            request.Complete(seconds);
        }
        else
        {
            remote(seconds);
        }
    }

    /// <summary>Whether the log says that a lease has less than its full time left, or will. Then it is asked to say so no more.</summary>
    private bool IsWrittenDown(long leaseId)
    {
#if MUTANTS
        if (_beingWritten.Contains(leaseId) && !StoreMutant.RenewWhileWritten.IsPlanted())
#else
        if (_beingWritten.Contains(leaseId))
#endif
        {
            // In the log, and not applied yet: it would count after the renewal, and a later leader would go by it.
            return true;
        }

        if (!_keyspace.Leases.TryGetValue(leaseId, out LeaseView? lease) || lease.RemainingTtl == 0)
        {
            _beingCleared.Remove(leaseId);
            return false;
        }

        if (_beingCleared.Add(leaseId) && !WriteDown([(leaseId, 0)]))
        {
            _beingCleared.Remove(leaseId);
        }

        return true;
    }

    private void SettleDoubts(TimeSpan now)
    {
        if (_doubts.Count > 0)
        {
            (LeaseRequest Request, Action<long>? Remote)[] doubts = [.. _doubts];
            _doubts.Clear();
            foreach ((LeaseRequest request, Action<long>? remote) in doubts)
            {
                AnswerLease(request, remote, now);
            }
        }
    }

    /// <summary>The leader changed: what it was asked, and what only a leader can settle, is asked again.</summary>
    private void AskLeasesAgain(bool leads)
    {
        foreach ((TimeSpan _, List<LeaseRequest> requests) in _leaseQuestions.Values)
        {
            _leaseRequests.AddRange(requests);
        }

        _leaseQuestions.Clear();
        if (leads)
        {
            return;
        }

        // Others' questions are theirs to ask again; expiries are the new leader's.
        _leaseRequests.AddRange(_doubts.Where(static doubt => doubt.Remote is null).Select(static doubt => doubt.Request));
        _doubts.Clear();
        foreach (Request request in _confirmations.Remove(static request => request is not ReadBarrier))
        {
            if (request is LeaseRequest lease)
            {
                _leaseRequests.Add(lease);
            }
        }
    }

    private void FailOldLeases(TimeSpan now, TimeSpan since, EtcdError error)
    {
        TimeSpan lost = now - _options.ElectionTimeout;
        foreach ((ulong question, (TimeSpan askedAt, List<LeaseRequest> requests)) in _leaseQuestions)
        {
            if (askedAt <= lost)
            {
                // The question or its answer was lost; a renewal may be asked for twice.
                _leaseQuestions.Remove(question);
                _leaseRequests.AddRange(requests);
            }
        }

        _leaseRequests.RemoveAll(request => FailIfOld(request, since, error));
        _doubts.RemoveAll(doubt => FailIfOld(doubt.Request, since, error));
    }

    private void FailLeases(EtcdError error)
    {
        foreach (LeaseRequest request in _leaseQuestions.Values.SelectMany(static asked => asked.Requests)
            .Concat(_leaseRequests)
            .Concat(_doubts.Select(static doubt => doubt.Request)))
        {
            request.Fail(error);
        }

        _leaseQuestions.Clear();
        _leaseRequests.Clear();
        _doubts.Clear();
    }

    private static bool FailIfOld(LeaseRequest request, TimeSpan since, EtcdError error)
    {
        if (request.Since > since)
        {
            return request.IsAnswered;
        }

        request.Fail(error);
        return true;
    }

    /// <summary>Another member's question, until this one is confirmed as leader.</summary>
    private sealed class RemoteLeases(LeaseQuestion question) : Request
    {
        public LeaseQuestion Question { get; } = question;

        public override void Fail(EtcdError error)
        {
            // Unanswered: the member that asked asks again, or tells its clients that it took too long.
        }
    }
}
