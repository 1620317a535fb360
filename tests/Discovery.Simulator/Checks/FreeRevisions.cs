namespace Discovery.Simulator.Checks;

/// <summary>
/// The revisions that no answered write has: each write takes one of its own, on whatever key, so only these are left for
/// writes without an answer.
/// </summary>
internal sealed class FreeRevisions
{
    private readonly List<long> _starts = [];
    private readonly List<long> _ends = [];

    /// <param name="taken">Revisions of answered writes, in any order.</param>
    public FreeRevisions(IEnumerable<long> taken)
    {
        foreach (long revision in taken.Distinct().Order())
        {
            if (_ends.Count > 0 && _ends[^1] + 1 == revision)
            {
                _ends[^1] = revision;
            }
            else
            {
                _starts.Add(revision);
                _ends.Add(revision);
            }
        }
    }

    /// <summary>The first free revision above the one given.</summary>
    public long After(long revision)
    {
        long next = revision + 1;
        int at = _starts.BinarySearch(next);
        int run = at >= 0 ? at : ~at - 1;
        return run >= 0 && next <= _ends[run] ? _ends[run] + 1 : next;
    }
}
