using Discovery.EtcdApi;
using Discovery.Raft;

namespace Discovery.Store.Consensus;

/// <summary>Who waits for which entry, in the order of the log.</summary>
internal sealed class Proposals
{
    private readonly Queue<(EntryId Id, Proposal Proposal)> _waiting = new();

    public void Add(EntryId id, Proposal proposal) => _waiting.Enqueue((id, proposal));

    /// <summary>
    /// Who proposed the applied entry; null when nobody here did. Whoever waited for an entry that another leader's
    /// entry has replaced hears so.
    /// </summary>
    public Proposal? Take(EntryId applied)
    {
        while (_waiting.TryPeek(out (EntryId Id, Proposal Proposal) first) && first.Id.Index <= applied.Index)
        {
            _waiting.Dequeue();
            if (first.Id == applied)
            {
                return first.Proposal;
            }

            first.Proposal.Fail(EtcdError.LeaderChanged);
        }

        return null;
    }

    /// <summary>Tells those who wait too long that the outcome is unknown. They keep their place: it may still be applied.</summary>
    public void FailOlderThan(TimeSpan since)
    {
        foreach ((EntryId _, Proposal proposal) in _waiting)
        {
            if (proposal.Since > since)
            {
                break;
            }

            proposal.Fail(EtcdError.Timeout);
        }
    }

    public void FailAll(EtcdError error)
    {
        while (_waiting.TryDequeue(out (EntryId Id, Proposal Proposal) first))
        {
            first.Proposal.Fail(error);
        }
    }
}
