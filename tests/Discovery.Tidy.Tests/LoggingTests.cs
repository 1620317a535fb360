using System.Globalization;
using System.Text.RegularExpressions;

namespace Discovery.Tidy.Tests;

/// <summary>Event ids: operators filter by them, so each means one thing, for ever.</summary>
public sealed partial class LoggingTests
{
    private static readonly (string Folder, int First)[] Ranges =
        [("store/", 1000), ("sidecar/", 2000), ("proxy/", 3000), ("dashboard/", 4000)];

    private static IEnumerable<(string Path, int Line, int Id)> Messages =>
        from path in SourceTree.CSharp("^(store|sidecar|proxy|dashboard)/")
        let text = SourceTree.Read(path)
        from Match match in LoggerMessage().Matches(text)
        select (path, text[..match.Index].Count(static c => c == '\n') + 1, int.Parse(match.Groups["id"].Value, CultureInfo.InvariantCulture));

    [Fact]
    public void Event_ids_are_unique() => SourceTree.AssertNone(
        Messages.GroupBy(static m => m.Id).Where(static same => same.Count() > 1)
            .Select(static same => $"{same.Key}: {string.Join(", ", same.Select(static m => $"{m.Path}:{m.Line}"))}"),
        "Take the next free id of the component's range.");

    [Fact]
    public void Event_ids_lie_in_the_range_of_their_component() => SourceTree.AssertNone(
        from message in Messages
        let first = Ranges.First(range => message.Path.StartsWith(range.Folder, StringComparison.Ordinal)).First
        where message.Id < first || message.Id >= first + 1000
        select $"{message.Path}:{message.Line}: {message.Id}, wanted {first} to {first + 999}",
        "store 1000s, sidecar 2000s, proxy 3000s, dashboard 4000s.");

    [Fact]
    public void Messages_are_written_with_their_event() => SourceTree.AssertNone(
        SourceTree.CSharp("^(store|sidecar|proxy|dashboard)/").Lines()
            .Where(static line => Regex.IsMatch(line.Code, @"\.Log(Trace|Debug|Information|Warning|Error|Critical)\(")),
        "A [LoggerMessage] method at the end of the class, with an id of its own.");

    [GeneratedRegex(@"\[LoggerMessage\(\s*(?:EventId\s*=\s*)?(?<id>\d+)")]
    private static partial Regex LoggerMessage();
}
