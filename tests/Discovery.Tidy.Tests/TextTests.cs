using System.Text.RegularExpressions;

namespace Discovery.Tidy.Tests;

/// <summary>What no file may hold, whatever it is.</summary>
public sealed partial class TextTests
{
    private const int MaxLines = 500;
    private const int MaxWidth = 180;

    // This file names what it forbids.
    private static IEnumerable<string> Others => SourceTree.Files.Where(static path => !path.StartsWith("tests/Discovery.Tidy.Tests/", StringComparison.Ordinal));

    [Fact]
    public void Nothing_is_left_for_later() => SourceTree.AssertNone(
        Others.Lines().Where(static line => Unfinished().IsMatch(line.Text)),
        "Do it, or open an issue; a note in the code is neither.");

    [Fact]
    public void Files_fit_a_head() => SourceTree.AssertNone(
        SourceTree.CSharp()
            .Select(static path => (Path: path, Lines: SourceTree.Read(path).Count(static c => c == '\n')))
            .Where(static file => file.Lines > MaxLines)
            .Select(static file => $"{file.Path}: {file.Lines} lines"),
        $"Above {MaxLines} lines look for the missing type.");

    [Fact]
    public void Lines_fit_a_screen() => SourceTree.AssertNone(
        SourceTree.CSharp().Lines().Where(static line => line.Code.Length > MaxWidth && !IsData(line.Text)),
        $"Above {MaxWidth} characters (texts not counted) break the line where its parts meet.");

    [Fact]
    public void Nothing_depends_on_the_machine_that_it_was_written_on() => SourceTree.AssertNone(
        Others.Lines().Where(static line => MachinePath().IsMatch(line.Text)),
        "No paths of one machine: take them from the repository, the environment or a temporary folder.");

    [Fact]
    public void Packages_come_from_the_feed_that_the_machine_is_set_up_for() => SourceTree.AssertNone(
        Directory.EnumerateFiles(SourceTree.Root, "*", SearchOption.TopDirectoryOnly).Where(static path => Path.GetFileName(path).Equals("nuget.config", StringComparison.OrdinalIgnoreCase)),
        "No NuGet.config in the repository: it names a host that others do not have.");

    [Fact]
    public void Shipped_code_never_blocks_or_fires_and_forgets() => SourceTree.AssertNone(
        SourceTree.CSharp("^(store|sidecar|proxy|dashboard)/").Lines().Where(static line => Blocking().IsMatch(line.Code)),
        "Await it (async Task, never async void; GetAwaiter().GetResult() blocks a thread of the pool).");

    [Fact]
    public void Only_programs_and_commands_write_to_the_console() => SourceTree.AssertNone(
        SourceTree.CSharp("^(store|sidecar|proxy|dashboard)/")
            .Where(static path => !Regex.IsMatch(path, @"/Program\.cs$|/Commands/|/Programs/"))
            .Lines().Where(static line => Regex.IsMatch(line.Code, @"\bConsole\.(Write|Out|Error)")),
        "Log it ([LoggerMessage]), or return it to the command that prints.");

    // A line of JSON, in a raw text or as one: it is as long as what it shows.
    private static bool IsData(string line) => line.TrimStart().StartsWith("{\"", StringComparison.Ordinal) || line.Contains("\"\"\"{", StringComparison.Ordinal);

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"(?<![\w.])(/root/|/home/\w)")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\basync void\b|\.GetAwaiter\(\)\.GetResult\(\)")]
    private static partial Regex Blocking();
}
