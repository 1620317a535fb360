using System.Globalization;
using System.Text.RegularExpressions;

namespace Discovery.Sidecar.Checks;

/// <summary>Times as registrator's and Docker's users write them, which is Go's way: <c>10s</c>, <c>1m30s</c>, <c>500ms</c>. Pure.</summary>
internal static partial class CheckDuration
{
    /// <summary>The time; null when the text is none.</summary>
    public static TimeSpan? Parse(string text)
    {
        Match match = Form().Match(text);
        if (!match.Success || text.Length > 32)
        {
            return null;
        }

        double seconds = 0;
        for (int i = 0; i < match.Groups["number"].Captures.Count; i++)
        {
            double number = double.Parse(match.Groups["number"].Captures[i].Value, CultureInfo.InvariantCulture);
            seconds += number * match.Groups["unit"].Captures[i].Value switch
            {
                "ms" => 0.001,
                "s" => 1,
                "m" => 60,
                _ => 3600,
            };
        }

        return seconds <= TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromSeconds(seconds) : null;
    }

    [GeneratedRegex(@"\A(?:(?<number>[0-9]+(?:\.[0-9]+)?)(?<unit>ms|s|m|h))+\z")]
    private static partial Regex Form();
}
