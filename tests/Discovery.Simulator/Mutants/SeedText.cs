using System.Globalization;

namespace Discovery.Simulator.Mutants;

/// <summary>Seeds as text: <c>1..5,9</c>.</summary>
internal static class SeedText
{
    /// <exception cref="FormatException">It cannot be read.</exception>
    public static IReadOnlyList<long> Read(string text)
    {
        var seeds = new List<long>();
        foreach (string part in text.Split(','))
        {
            string[] bounds = part.Split("..");
            long first = Number(bounds[0], text);
            long last = bounds.Length > 1 ? Number(bounds[1], text) : first;
            for (long seed = first; seed <= last; seed++)
            {
                seeds.Add(seed);
            }
        }

        return seeds;
    }

    public static string Write(IEnumerable<long> seeds)
    {
        var parts = new List<string>();
        long? first = null;
        long last = 0;
        foreach (long seed in seeds.Append(long.MinValue))
        {
            if (first is { } begun && seed != last + 1)
            {
                parts.Add(begun == last ? Text(last) : $"{Text(begun)}..{Text(last)}");
                first = null;
            }

            first ??= seed;
            last = seed;
        }

        return string.Join(',', parts);
    }

    private static string Text(long seed) => seed.ToString(CultureInfo.InvariantCulture);

    private static long Number(string part, string text) => long.TryParse(part, CultureInfo.InvariantCulture, out long number)
        ? number
        : throw new FormatException($"found the seeds \"{text}\"; wanted numbers and ranges such as 1..5,9");
}
