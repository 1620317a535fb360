using System.Text.RegularExpressions;

namespace Discovery.Tidy.Tests;

/// <summary>What makes tests reliable, as a test.</summary>
public sealed class TestRulesTests
{
    private static IEnumerable<string> Tests => SourceTree.CSharp("^tests/").Where(static path => !path.StartsWith("tests/Discovery.Tidy.Tests/", StringComparison.Ordinal));

    [Fact]
    public void Tests_wait_for_conditions_and_never_sleep() => SourceTree.AssertNone(
        Tests.Lines().Where(static line => Regex.IsMatch(line.Code, @"\bThread\.Sleep\(|\bTask\.Delay\((?!.*(time|Time|clock|Timeout\.Infinite))")),
        "Eventually.HoldsAsync waits for a condition and says what it saw; ManualTimeProvider moves time.");

    [Fact]
    public void Tests_listen_on_no_fixed_port() => SourceTree.AssertNone(
        Tests.Lines().Where(static line => Regex.IsMatch(line.Text, @"--(listen|urls|admin-url)[^""]*""\s*,\s*""https?://[^""{]*:\d{2,}""")),
        "FreePort.Next(): a fixed port fails where someone else has it.");

    [Fact]
    public void Nobody_is_mocked() => SourceTree.AssertNone(
        Tests.Lines().Where(static line => Regex.IsMatch(line.Text, @"^using (Moq|NSubstitute|FakeItEasy)\b")),
        "A hand-written fake peer that speaks the protocol, or the real thing.");

    [Fact]
    public void Processes_are_ended_by_their_id() => SourceTree.AssertNone(
        SourceTree.Files.Where(static path => path.EndsWith(".sh", StringComparison.Ordinal) || path.StartsWith(".ci/", StringComparison.Ordinal)
                || (path.EndsWith(".cs", StringComparison.Ordinal) && !path.StartsWith("tests/Discovery.Tidy.Tests/", StringComparison.Ordinal)))
            .Lines().Where(static line => Regex.IsMatch(line.Text, @"\b(pkill|killall)\b")),
        "Keep the process id of what you start; a name may be someone else's.");

    [Fact]
    public void Skipped_tests_do_not_exist() => SourceTree.AssertNone(
        Tests.Lines().Where(static line => Regex.IsMatch(line.Code, @"\bSkip\s*=")),
        "A test that does not run proves nothing: make it run or remove it.");
}
