using Discovery.Store.Keyspace;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Proves that members which have applied the same entries have the same state, whether they applied them, read them
/// from their log or fetched a snapshot. Views are compared whenever two members publish at the same applied index:
/// their numbers always, what is readable every <see cref="CheckLimits.SameStateEvery"/> entries of a member, all that a
/// snapshot holds every <see cref="CheckLimits.SameHistoryEvery"/> and when <see cref="CompareAll"/> is called. What
/// changed between is compared by <see cref="RevisionHistory"/>, every revision of every member.
/// </summary>
internal sealed class SameStateCheck(RunPosition position)
{
    private const string Name = "same state";

    private readonly Dictionary<ulong, Seen> _seen = [];
    private readonly Queue<ulong> _order = new();
    private readonly Dictionary<object, (ulong Live, ulong Whole)> _compared = [];

    /// <summary>A member has published a view. One that starts again is another member, and is compared at once.</summary>
    public void Read(object member, KeyspaceView view)
    {
        if (!_seen.TryGetValue(view.AppliedIndex, out Seen? seen))
        {
            Remember(view.AppliedIndex, new Seen(member, view));
            return;
        }

        if (ReferenceEquals(seen.View, view))
        {
            return;
        }

        CompareNumbers(member, view, seen);
        (ulong live, ulong whole) = _compared.GetValueOrDefault(member);
        if (live == 0 || view.AppliedIndex >= live + CheckLimits.SameStateEvery)
        {
            bool all = whole == 0 || view.AppliedIndex >= whole + CheckLimits.SameHistoryEvery;
            Compare(member, view, seen, all);
            _compared[member] = (view.AppliedIndex, all ? view.AppliedIndex : whole);
        }
    }

    /// <summary>Compares everything of members that stand at the same index; at the end of a run all do.</summary>
    public void CompareAll(IEnumerable<(object Member, KeyspaceView View)> members)
    {
        foreach (IGrouping<ulong, (object Member, KeyspaceView View)> same in members.GroupBy(static one => one.View.AppliedIndex))
        {
            (object member, KeyspaceView view) = same.First();
            var first = new Seen(member, view);
            foreach ((object other, KeyspaceView view) one in same.Skip(1))
            {
                CompareNumbers(one.other, one.view, first);
                Compare(one.other, one.view, first, all: true);
            }
        }
    }

    private void Remember(ulong index, Seen seen)
    {
        _seen.Add(index, seen);
        _order.Enqueue(index);
        if (_order.Count > CheckLimits.SameStateViews)
        {
            _seen.Remove(_order.Dequeue());
        }
    }

    private void CompareNumbers(object member, KeyspaceView view, Seen seen)
    {
        KeyspaceView other = seen.View;
        if ((view.Revision, view.CompactedRevision, view.LiveBytes, view.Leases.Count, view.Members.ById.Count)
            != (other.Revision, other.CompactedRevision, other.LiveBytes, other.Leases.Count, other.Members.ById.Count))
        {
            position.Fail(Name, $"at index {view.AppliedIndex} {member} has {Text(view)}; {seen.Member} has {Text(other)}");
        }
    }

    private void Compare(object member, KeyspaceView view, Seen seen, bool all)
    {
        if (StateHash.Live(view) != (seen.Live ??= StateHash.Live(seen.View)))
        {
            position.Fail(Name, $"at index {view.AppliedIndex} {member} and {seen.Member} show different keys, leases or members; both have {Text(view)}");
        }

        if (all && StateHash.Whole(view) != (seen.Whole ??= StateHash.Whole(seen.View)))
        {
            position.Fail(Name, $"at index {view.AppliedIndex} {member} and {seen.Member} show the same keys and have different histories; both have {Text(view)}");
        }
    }

    private static string Text(KeyspaceView view) =>
        $"revision {view.Revision}, compacted {view.CompactedRevision}, {view.LiveBytes} bytes, {view.Leases.Count} leases, {view.Members.ById.Count} members";

    /// <summary>The first view of an index, with its hashes once they were needed.</summary>
    private sealed class Seen(object member, KeyspaceView view)
    {
        public object Member => member;

        public KeyspaceView View => view;

        public UInt128? Live { get; set; }

        public UInt128? Whole { get; set; }
    }
}
