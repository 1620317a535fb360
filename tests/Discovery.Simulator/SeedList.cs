using System.Collections;
using System.Globalization;

namespace Discovery.Simulator;

/// <summary>The seeds of a run, in their order; perhaps without an end.</summary>
/// <param name="first">The first.</param>
/// <param name="last">The last that may be taken.</param>
/// <param name="step">From one to the next: several processes share seeds so.</param>
internal sealed class SeedList(long first, long last, int step) : IEnumerable<long>
{
    /// <param name="range">A..B, or null.</param>
    /// <param name="seed">The only or first seed.</param>
    /// <param name="endless">Whether seeds follow until time is up.</param>
    /// <param name="skip">Seeds to leave out at the beginning.</param>
    /// <param name="step">From one seed to the next.</param>
    /// <exception cref="FormatException">The range cannot be read.</exception>
    public static SeedList From(string? range, long seed, bool endless, int skip, int step)
    {
        if (range is null)
        {
            return new SeedList(seed + skip, endless ? long.MaxValue : seed, step);
        }

        string[] bounds = range.Split("..");
        return bounds.Length == 2
            && long.TryParse(bounds[0], CultureInfo.InvariantCulture, out long first)
            && long.TryParse(bounds[1], CultureInfo.InvariantCulture, out long last)
            && first <= last
            ? new SeedList(first + skip, last, step)
            : throw new FormatException($"--seeds is \"{range}\"; wanted a range such as 1..100");
    }

    public IEnumerator<long> GetEnumerator()
    {
        for (long seed = first; seed <= last; seed += step)
        {
            yield return seed;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
