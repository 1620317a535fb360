using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Discovery.Tidy.Tests;

/// <summary>One line of a text file of the repository.</summary>
/// <param name="Path">From the root, with slashes.</param>
/// <param name="Number">From 1.</param>
/// <param name="Text">As it stands.</param>
internal sealed record SourceLine(string Path, int Number, string Text)
{
    /// <summary>The line without comments and without what stands in quotation marks: what the compiler acts on.</summary>
    public string Code => SourceTree.Comment().Replace(SourceTree.Quoted().Replace(Text, "\"\""), "");
}

/// <summary>The repository's text as the rules read it.</summary>
internal static partial class SourceTree
{
    private static readonly string[] NotOurs = [".git", "artifacts", "bin", "obj", "node_modules", "_framework", ".state", "lib"];
    private static readonly string[] Texts = [".cs", ".razor", ".csproj", ".props", ".targets", ".sh", ".md", ".yml", ".proto", ".css", ".js", ""];

    /// <summary>The folder of Discovery.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every text file that people write, from the root, with slashes.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. FilesBelow(Root)
        .Select(static path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Order(StringComparer.Ordinal)];

    /// <summary>The C# files whose path matches.</summary>
    public static IEnumerable<string> CSharp(string pattern = "") =>
        Files.Where(path => path.EndsWith(".cs", StringComparison.Ordinal) && Regex.IsMatch(path, pattern));

    /// <summary>A file's whole text.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The lines of files.</summary>
    public static IEnumerable<SourceLine> Lines(this IEnumerable<string> paths) =>
        paths.SelectMany(static path => File.ReadAllLines(Path.Combine(Root, path)).Select((text, index) => new SourceLine(path, index + 1, text)));

    /// <summary>Fails with every line that breaks the rule, and what to do instead.</summary>
    public static void AssertNone(IEnumerable<SourceLine> broken, string instead) =>
        AssertNone(broken.Select(static line => $"{line.Path}:{line.Number}: {line.Text.Trim()}"), instead);

    /// <summary>Fails with everything that breaks the rule, and what to do instead.</summary>
    public static void AssertNone(IEnumerable<string> broken, string instead)
    {
        List<string> all = [.. broken];
        Assert.True(all.Count == 0, $"{instead}\n{string.Join('\n', all)}");
    }

    /// <summary>A text in quotation marks on one line.</summary>
    [GeneratedRegex(""""
        """.*?"""|@?"(?:[^"\\]|\\.)*"
        """")]
    public static partial Regex Quoted();

    /// <summary>From two slashes to the end of the line.</summary>
    [GeneratedRegex("//.*$")]
    public static partial Regex Comment();

    private static IEnumerable<string> FilesBelow(string folder) => Directory.EnumerateDirectories(folder)
        .Where(static path => !NotOurs.Contains(Path.GetFileName(path)))
        .SelectMany(FilesBelow)
        .Concat(Directory.EnumerateFiles(folder).Where(static path => Texts.Contains(Path.GetExtension(path))));

    private static string FindRoot([CallerFilePath] string here = "")
    {
        // From where the tests run, or else from where this file was compiled.
        foreach (string start in new[] { AppContext.BaseDirectory, Path.GetDirectoryName(here)! })
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, "Discovery.sln")))
                {
                    return folder.FullName;
                }
            }
        }

        throw new DirectoryNotFoundException($"No Discovery.sln above {AppContext.BaseDirectory}");
    }
}
