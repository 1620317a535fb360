using Discovery.EtcdApi;
using Discovery.Raft;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Consensus;

/// <summary>A lease's time is over by the leader's clock; it is revoked once the leader knows that it still leads.</summary>
internal sealed class Expiry(long leaseId, LeaseTable leases) : Request
{
    public long LeaseId { get; } = leaseId;

    public override void Fail(EtcdError error) => leases.Revive(LeaseId);
}

/// <summary>
/// What needs a leader that is sure of being one: reads here, and on the leader renewals and expiries. All that came in
/// one turn are confirmed together, by one question to Raft (ReadIndex). Questions and answers may be lost: then they
/// are asked again.
/// </summary>
/// <param name="start">
/// Where contexts count from: far from those of an earlier start of the process, whose answers may still be on their way
/// in the same term, with indexes that are too old for a question of this one.
/// </param>
internal sealed class Confirmations(ulong start)
{
    private readonly Dictionary<ulong, (int Tick, List<Request> Requests)> _asked = [];
    private List<Request> _entering = [];
    private ulong _lastContext = start;
    private int _tick;

    /// <summary>Whether something waits to be asked.</summary>
    public bool HasEntering => _entering.Count > 0;

    public void Enter(Request request) => _entering.Add(request);

    /// <summary>Asks for all that entered since the last time; without a leader they wait.</summary>
    public void Ask(RaftNode node)
    {
#if MUTANTS
        if (StoreMutant.ReadJoinsQuestion.IsPlanted() && _asked.TryGetValue(_lastContext, out (int Tick, List<Request> Requests) open))
        {
            open.Requests.AddRange(_entering);
            _entering.Clear();
        }
#endif
        if (_entering.Count > 0 && node.TryReadIndex(_lastContext + 1))
        {
            _asked.Add(++_lastContext, (_tick, _entering));
            _entering = [];
        }
    }

    /// <summary>What was asked for under the context; empty when it was asked again meanwhile.</summary>
    public List<Request> Take(ulong context) =>
        _asked.Remove(context, out (int Tick, List<Request> Requests) group) ? group.Requests : [];

    /// <summary>Questions without an answer for so many ticks are asked again.</summary>
    public void Tick(int patience)
    {
        _tick++;
        AskAgain(_tick - patience);
    }

    /// <summary>The leader changed, and what it was asked is forgotten: all are asked again.</summary>
    public void AskAgain() => AskAgain(int.MaxValue);

    /// <summary>Tells those who wait too long.</summary>
    public void FailOlderThan(TimeSpan since, EtcdError error)
    {
        _entering.RemoveAll(request => FailOlderThan(request, since, error));
        foreach ((int _, List<Request> requests) in _asked.Values)
        {
            requests.RemoveAll(request => FailOlderThan(request, since, error));
        }
    }

    /// <summary>Takes out all that <paramref name="picked"/> says; they are to be asked for in another way.</summary>
    public List<Request> Remove(Predicate<Request> picked)
    {
        AskAgain();
        List<Request> removed = _entering.FindAll(picked);
        _entering.RemoveAll(picked);
        return removed;
    }

    public void FailAll(EtcdError error)
    {
        foreach (Request request in Remove(static _ => true))
        {
            request.Fail(error);
        }
    }

    private void AskAgain(int upTo)
    {
        foreach ((ulong context, (int tick, List<Request> requests)) in _asked)
        {
            if (tick <= upTo)
            {
                _asked.Remove(context);
                _entering.AddRange(requests);
            }
        }
    }

    private static bool FailOlderThan(Request request, TimeSpan since, EtcdError error)
    {
        if (request.Since > since)
        {
            return false;
        }

        request.Fail(error);
        return true;
    }
}
