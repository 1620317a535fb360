using System.Diagnostics.CodeAnalysis;
using Discovery.EtcdApi;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Consensus;

/// <summary>
/// Who waits for which command. A proposal waits for a leader, is placed with it, and is answered when its entry is
/// applied here, whichever member put it in the log.
/// </summary>
/// <remarks>
/// A leader takes forwarded commands of its own term only, so a command that was placed in a term is in an entry of that
/// term or nowhere. Once an entry of a later term is applied, all of the earlier term's that will ever be have been: what
/// is still missing is lost for certain, and is placed again. Clients see a slow write instead of an error.
/// </remarks>
internal sealed class Proposals(ulong instance)
{
    private readonly Dictionary<ulong, Proposal> _bySequence = [];
    private readonly Queue<Proposal> _byAge = new();
    private Queue<Proposal> _unplaced = new();
    private ulong _oldestPlacement = ulong.MaxValue;

    /// <summary>How many wait for a leader.</summary>
    public int UnplacedCount => _unplaced.Count;

    public void Add(Proposal proposal)
    {
        _bySequence.Add(proposal.Sequence, proposal);
        _byAge.Enqueue(proposal);
        _unplaced.Enqueue(proposal);
    }

    /// <summary>The next that waits for a leader. It stays the next until it is placed or answered.</summary>
    public bool TryPeek([NotNullWhen(true)] out Proposal? next)
    {
        while (_unplaced.TryPeek(out next))
        {
            if (!next.IsAnswered)
            {
                return true;
            }

            // It timed out before anybody had it: it must not happen any more.
            Forget(_unplaced.Dequeue());
        }

        return false;
    }

    /// <summary>The next was given to the leader of the term.</summary>
    public void Placed(ulong term)
    {
        _unplaced.Dequeue().PlacedIn = term;
        _oldestPlacement = Math.Min(_oldestPlacement, term);
    }

    /// <summary>The next cannot be placed.</summary>
    public void Refuse(EtcdError error)
    {
        Proposal refused = _unplaced.Dequeue();
        Forget(refused);
        refused.Fail(error);
    }

    /// <summary>The leader refused it.</summary>
    public void Refused(ulong sequence, EtcdError error)
    {
        if (_bySequence.Remove(sequence, out Proposal? refused))
        {
            refused.Fail(error);
        }
    }

    /// <summary>Who waits for the applied command; null when nobody here does any more.</summary>
    public Proposal? Take(ProposalId applied) =>
        applied.Instance == instance && _bySequence.Remove(applied.Sequence, out Proposal? proposal) ? proposal : null;

    /// <summary>An entry of the term is applied: what was placed in earlier ones and is not applied by now never will be.</summary>
    public void Reached(ulong term)
    {
        if (_oldestPlacement >= term)
        {
            return;
        }

        _oldestPlacement = ulong.MaxValue;
        var lost = new List<Proposal>();
        foreach (Proposal proposal in _bySequence.Values)
        {
            if (proposal.PlacedIn != 0 && proposal.PlacedIn < term)
            {
                proposal.PlacedIn = 0;
                lost.Add(proposal);
            }
            else if (proposal.PlacedIn != 0)
            {
                _oldestPlacement = Math.Min(_oldestPlacement, proposal.PlacedIn);
            }
        }

        // The oldest first, as they were asked for.
        lost.Sort(static (one, other) => one.Sequence.CompareTo(other.Sequence));
        _unplaced = new Queue<Proposal>(lost.Concat(_unplaced));
    }

    /// <summary>
    /// Entries were skipped, since the state that they led to was fetched: whether a placed proposal was among them,
    /// nobody can say.
    /// </summary>
    public void FailPlaced(EtcdError error)
    {
        foreach (Proposal proposal in _bySequence.Values.Where(static proposal => proposal.PlacedIn != 0).ToArray())
        {
            Forget(proposal);
            proposal.Fail(error);
        }
    }

    /// <summary>Tells those who wait too long that the outcome is unknown: a placed one may still be applied.</summary>
    public void FailOlderThan(TimeSpan since, EtcdError error)
    {
        while (_byAge.TryPeek(out Proposal? oldest) && (oldest.IsAnswered || oldest.Since <= since))
        {
            _byAge.Dequeue();
            if (!oldest.IsAnswered)
            {
                oldest.Fail(error);
            }

            if (oldest.PlacedIn != 0)
            {
                Forget(oldest);
            }
        }
    }

    public void FailAll(EtcdError error)
    {
        foreach (Proposal proposal in _bySequence.Values)
        {
            proposal.Fail(error);
        }

        _bySequence.Clear();
        _byAge.Clear();
        _unplaced.Clear();
    }

    private void Forget(Proposal proposal) => _bySequence.Remove(proposal.Sequence);
}
