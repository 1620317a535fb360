namespace Discovery.Simulator.Report;

/// <summary>What happened how often.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public Tally()
    {
    }

    public Tally(IReadOnlyDictionary<string, long> counts)
    {
        foreach ((string what, long count) in counts)
        {
            _counts[what] = count;
        }
    }

    public IReadOnlyDictionary<string, long> Counts => _counts;

    public long this[string what] => _counts.GetValueOrDefault(what);

    public void Add(string what, long count = 1) => _counts[what] = _counts.GetValueOrDefault(what) + count;

    /// <summary>The greatest that was seen.</summary>
    public void Max(string what, long value) => _counts[what] = Math.Max(value, _counts.GetValueOrDefault(what));

    /// <summary>What another seed counted, too; maxima (named "max …") stay maxima.</summary>
    public void Add(Tally other)
    {
        foreach ((string what, long count) in other._counts)
        {
            if (what.StartsWith("max ", StringComparison.Ordinal))
            {
                Max(what, count);
            }
            else
            {
                Add(what, count);
            }
        }
    }

    /// <summary>All whose name begins so, together.</summary>
    public long Sum(string prefix) => _counts.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal)).Sum(static pair => pair.Value);
}
