using System.Text.RegularExpressions;

namespace Discovery.Tidy.Tests;

/// <summary>Bugs that are planted to be found: all of them, and in one place each that the compiler leaves out elsewhere.</summary>
public sealed partial class MutantRulesTests
{
    private static readonly string[] Lists = ["store/Discovery.Raft/RaftMutant.cs", "store/Discovery.Store/StoreMutant.cs"];

    private static IEnumerable<(string Type, string Name)> Mutants =>
        from path in Lists
        from Match match in Member().Matches(SourceTree.Read(path))
        select (Path.GetFileNameWithoutExtension(path), match.Groups["name"].Value);

    [Fact]
    public void Every_mutant_is_planted()
    {
        string[] sources = [.. SourceTree.CSharp("^store/").Select(SourceTree.Read)];

        Assert.True(Mutants.Count() > 30, $"only {Mutants.Count()} mutants are found by this rule");
        SourceTree.AssertNone(
            Mutants.Where(mutant => !sources.Any(text => text.Contains($"{mutant.Type}.{mutant.Name}.IsPlanted()", StringComparison.Ordinal)))
                .Select(static mutant => $"{mutant.Type}.{mutant.Name}"),
            "A mutant that is planted nowhere cannot be found: plant it in #if MUTANTS, or remove it.");
    }

    [Fact]
    public void Every_mutant_has_known_seeds()
    {
        string known = SourceTree.Root + "/tests/Discovery.Simulator/mutants.txt";
        string[] names = [.. File.ReadAllLines(known).Select(static line => line.Split('|')[0].Trim())];

        SourceTree.AssertNone(
            Mutants.Select(static mutant => mutant.Name).Except(names),
            "Look for it and note what finds it: Discovery.Simulator --mutants --mutant NAME --long --write (configuration Mutants).");
    }

    [Fact]
    public void Only_the_store_holds_mutants() => SourceTree.AssertNone(
        SourceTree.CSharp()
            .Where(static path => !path.StartsWith("store/", StringComparison.Ordinal) && !path.EndsWith("/PlantedBug.cs", StringComparison.Ordinal))
            .Lines().Where(static line => line.Text.TrimStart().StartsWith("#if MUTANTS", StringComparison.Ordinal)),
        "What is tested is mutated; what tests is the same in every configuration.");

    [GeneratedRegex(@"\[Description\("".*""\)\]\s+(?<name>\w+),")]
    private static partial Regex Member();
}
