using Discovery.Raft;

namespace Discovery.Store.Consensus;

/// <summary>
/// Whether a member that has formed its data from <c>--initial-cluster</c> may take part. Its id is computed from flags, so
/// a member whose data was wiped, started again with its old flags, looks the same; it has forgotten votes and
/// acknowledgements that others count on, and could help to elect a leader that lacks what is committed. So it hears and
/// says nothing of Raft until the others have told that it cannot have promised anything. Pure.
/// </summary>
/// <remarks>
/// Whoever knows the member from before refuses it, which ends it. Whatever it forgot was promised within a majority: of
/// the others that were in it, one is in every majority of the others, and untouched members (which never voted or
/// acknowledged) were in none. Hence the two rules of <see cref="MayTakePart"/>.
/// </remarks>
/// <param name="others">The other voters.</param>
/// <param name="patience">How long a majority of the others is waited for before a majority with this member is enough.</param>
internal sealed class Formation(IReadOnlyCollection<NodeId> others, TimeSpan patience)
{
    private readonly Dictionary<NodeId, bool> _answers = [];

    /// <summary>Who has not answered yet, in order.</summary>
    public IEnumerable<NodeId> Silent => others.Where(id => !_answers.ContainsKey(id)).OrderBy(static id => id.Value);

    /// <summary>A member greeted this one as one that it does not know from before.</summary>
    /// <param name="peer">Who.</param>
    /// <param name="isUntouched">It had promised nothing to anybody itself. What it promises later, it promises after this member began.</param>
    public void Answered(NodeId peer, bool isUntouched)
    {
        if (others.Contains(peer))
        {
            _answers[peer] = isUntouched || _answers.GetValueOrDefault(peer);
        }
    }

    /// <summary>
    /// At once when a majority of the others has answered. Later also when this member and untouched ones are a majority of
    /// all: then the cluster is being formed while some are not there yet. Wrong only if this member's data was wiped, those
    /// who answer were never heard in the cluster, and those who knew are away: more than a cluster of this size survives.
    /// </summary>
    /// <param name="elapsed">Since the process began.</param>
    public bool MayTakePart(TimeSpan elapsed) =>
        _answers.Count > others.Count / 2
        || (elapsed >= patience && 1 + _answers.Values.Count(static isUntouched => isUntouched) > (others.Count + 1) / 2);
}
