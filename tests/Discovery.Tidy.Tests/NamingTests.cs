using System.Text.RegularExpressions;

namespace Discovery.Tidy.Tests;

/// <summary>Names and shapes of types.</summary>
public sealed partial class NamingTests
{
    [Fact]
    public void Types_are_named_after_what_they_are() => SourceTree.AssertNone(
        SourceTree.CSharp().Lines().Where(static line => TypeDeclaration().Match(line.Code) is { Success: true } match && VagueName().IsMatch(match.Groups["name"].Value)),
        "Name the thing by the domain's word: what it holds or decides, not that it manages, helps or processes.");

    [Fact]
    public void Classes_are_sealed_unless_they_are_meant_to_be_derived_from() => SourceTree.AssertNone(
        SourceTree.CSharp().Lines().Where(static line => TypeDeclaration().Match(line.Code) is { Success: true } match
            && match.Groups["kind"].Value is "class" or "record" or "record class"
            && !Closed().IsMatch(line.Code)
            && !IsContinuation(line)),
        "Write sealed (or static, or abstract with its derived types beside it).");

    [Fact]
    public void Namespace_is_project_and_folder() => SourceTree.AssertNone(
        from path in SourceTree.CSharp(@"^(store|sidecar|proxy|dashboard|tests)/")
        let declared = NamespaceDeclaration().Match(SourceTree.Read(path))
        where declared.Success
        let wanted = string.Join('.', path.Split('/')[1..^1])
        where declared.Groups["name"].Value != wanted
        select $"{path}: {declared.Groups["name"].Value}, wanted {wanted}",
        "A reader finds a type by its namespace: it is the project's name and the folder's.");

    /// <summary>Other parts of a partial class say sealed in one of its files only.</summary>
    private static bool IsContinuation(SourceLine line)
    {
        string name = TypeDeclaration().Match(line.Code).Groups["name"].Value;
        string folder = Path.GetDirectoryName(line.Path)!;
        return line.Code.Contains("partial", StringComparison.Ordinal)
            && SourceTree.CSharp().Where(path => Path.GetDirectoryName(path) == folder).Lines().Any(other =>
                Closed().IsMatch(other.Code) && TypeDeclaration().Match(other.Code) is { Success: true } match && match.Groups["name"].Value == name);
    }

    [GeneratedRegex(@"^\s*(?:(?:public|internal|private|protected|file|sealed|static|abstract|partial|readonly|unsafe)\s+)*(?<kind>record class|record struct|class|record|struct|interface|enum)\s+(?<name>\w+)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex("(Manager|Helpers?|Utils?|Utilities|Impl|Processor|Wrapper)$|^(Common|Base|Misc)")]
    private static partial Regex VagueName();

    [GeneratedRegex(@"\b(sealed|static|abstract)\b")]
    private static partial Regex Closed();

    [GeneratedRegex(@"^namespace (?<name>[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceDeclaration();
}
