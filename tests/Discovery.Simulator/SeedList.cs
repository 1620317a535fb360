using System.Collections;
using System.Globalization;

namespace Discovery.Simulator;

/// <summary>The seeds of a run, in their order; perhaps without an end.</summary>
internal sealed class SeedList(long first, long last) : IEnumerable<long>
{
    /// <param name="range">A..B, or null.</param>
    /// <param name="seed">The only or first seed.</param>
    /// <param name="endless">Whether seeds follow until time is up.</param>
    /// <exception cref="FormatException">The range cannot be read.</exception>
    public static SeedList From(string? range, long seed, bool endless)
    {
        if (range is null)
        {
            return new SeedList(seed, endless ? long.MaxValue : seed);
        }

        string[] bounds = range.Split("..");
        return bounds.Length == 2
            && long.TryParse(bounds[0], CultureInfo.InvariantCulture, out long first)
            && long.TryParse(bounds[1], CultureInfo.InvariantCulture, out long last)
            && first <= last
            ? new SeedList(first, last)
            : throw new FormatException($"--seeds is \"{range}\"; wanted a range such as 1..100");
    }

    public IEnumerator<long> GetEnumerator()
    {
        for (long seed = first; ; seed++)
        {
            yield return seed;
            if (seed == last)
            {
                yield break;
            }
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
