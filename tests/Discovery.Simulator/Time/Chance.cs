namespace Discovery.Simulator.Time;

/// <summary>
/// Chance that comes from the seed alone. Each part of the simulation has its own, by its name, so that one more draw
/// in one part does not change the course of another.
/// </summary>
/// <remarks>xoshiro256** by Blackman and Vigna, seeded by splitmix64: the same on every machine and runtime.</remarks>
internal sealed class Chance
{
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    public Chance(long seed, string part)
    {
        ulong state = (ulong)seed;
        foreach (char letter in part)
        {
            // Not string.GetHashCode: that differs from process to process.
            state = (state ^ letter) * 0x100000001b3;
        }

        (_a, _b, _c, _d) = (Mix(ref state), Mix(ref state), Mix(ref state), Mix(ref state));
    }

    /// <summary>Any 64 bits.</summary>
    public ulong Next()
    {
        ulong result = ulong.RotateLeft(_b * 5, 7) * 9;
        ulong shifted = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= shifted;
        _d = ulong.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>From 0 to 1, without 1.</summary>
    public double Fraction() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True with this probability.</summary>
    public bool Happens(double probability) => probability > 0 && Fraction() < probability;

    /// <summary>A number from 0 to below the bound, which is above 0.</summary>
    public int Below(int bound) => (int)(Fraction() * bound);

    /// <summary>A number from the first to the last, both possible.</summary>
    public int Between(int first, int last) => first + Below(last - first + 1);

    /// <summary>A time within the bounds, all alike.</summary>
    public TimeSpan Between(TimeSpan least, TimeSpan most) => least + ((most - least) * Fraction());

    /// <summary>A number within the bounds, all alike.</summary>
    public double Between(double least, double most) => least + ((most - least) * Fraction());

    /// <summary>A time around the mean as between independent happenings: mostly short, sometimes long.</summary>
    public TimeSpan Around(TimeSpan mean) => mean * -Math.Log(1 - Fraction());

    /// <summary>One of them.</summary>
    public T Pick<T>(IReadOnlyList<T> from) => from[Below(from.Count)];

    /// <summary>The same in a random order.</summary>
    public T[] Shuffled<T>(IEnumerable<T> all)
    {
        T[] shuffled = [.. all];
        for (int left = shuffled.Length; left > 1; left--)
        {
            int other = Below(left);
            (shuffled[left - 1], shuffled[other]) = (shuffled[other], shuffled[left - 1]);
        }

        return shuffled;
    }

    private static ulong Mix(ref ulong state)
    {
        ulong mixed = state += 0x9e3779b97f4a7c15;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return mixed ^ (mixed >> 31);
    }
}
