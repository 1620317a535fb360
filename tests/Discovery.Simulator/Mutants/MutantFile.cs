namespace Discovery.Simulator.Mutants;

/// <summary>The seeds that are known to find a bug, and the check that did.</summary>
/// <param name="Mutant">The bug's name.</param>
/// <param name="Seeds">The first that found it, and those after it: a change elsewhere may make another one of them find it.</param>
/// <param name="Checker">The rule that was broken.</param>
internal sealed record KnownSeeds(string Mutant, IReadOnlyList<long> Seeds, string Checker);

/// <summary>The file <c>mutants.txt</c> beside the program's sources: a line for each planted bug, made by <c>--mutants --long --write</c>.</summary>
internal static class MutantFile
{
    private const string Place = "tests/Discovery.Simulator/mutants.txt";

    private const string Heading = """
        # Which seeds find which planted bug, and by which check. Made by: Discovery.Simulator --mutants --long --write
        # Name | the first seed that finds it and the five after it | check
        """;

    public static IReadOnlyList<KnownSeeds> Read() =>
    [
        .. from line in File.ReadAllLines(Find())
           where line.Length > 0 && !line.StartsWith('#')
           let parts = line.Split('|', StringSplitOptions.TrimEntries)
           select parts.Length == 3
               ? new KnownSeeds(parts[0], SeedText.Read(parts[1]), parts[2])
               : throw new FormatException($"{Place}: found \"{line}\"; wanted name | seeds | check"),
    ];

    public static void Write(IEnumerable<KnownSeeds> all) => File.WriteAllLines(
        Find(), [Heading, .. all.Select(static one => $"{one.Mutant} | {SeedText.Write(one.Seeds)} | {one.Checker}")]);

    private static string Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, Place);
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new FileNotFoundException($"no {Place} above {AppContext.BaseDirectory}: run the program from where it was built");
    }
}
