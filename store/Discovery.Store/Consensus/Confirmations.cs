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
/// What needs a leader that is sure of being one: reads, renewals, expiries. All that came in one turn are confirmed
/// together, by one question to Raft (ReadIndex).
/// </summary>
internal sealed class Confirmations
{
    private readonly Queue<(ulong Context, List<Request> Requests)> _asked = new();
    private List<Request> _entering = [];
    private ulong _lastContext;

    /// <summary>Whether something was not asked for yet.</summary>
    public bool HasEntering => _entering.Count > 0;

    public void Enter(Request request) => _entering.Add(request);

    /// <summary>Asks for all that entered since the last time.</summary>
    public void Ask(RaftNode node)
    {
        if (_entering.Count == 0)
        {
            return;
        }

        List<Request> requests = _entering;
        _entering = [];
        if (node.TryReadIndex(++_lastContext))
        {
            _asked.Enqueue((_lastContext, requests));
            return;
        }

        foreach (Request request in requests)
        {
            request.Fail(EtcdError.NoLeader);
        }
    }

    /// <summary>What was asked for under the context.</summary>
    public List<Request> Take(ulong context)
    {
        (ulong asked, List<Request> requests) = _asked.Dequeue();
        Invariant.Holds(asked == context);
        return requests;
    }

    public void FailAll(EtcdError error)
    {
        while (_asked.TryDequeue(out (ulong Context, List<Request> Requests) group))
        {
            group.Requests.ForEach(request => request.Fail(error));
        }

        _entering.ForEach(request => request.Fail(error));
        _entering.Clear();
    }
}
