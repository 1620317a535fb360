using System.Text;
using System.Text.RegularExpressions;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>
/// Go's regular expressions (RE2 syntax) as .NET's, in the mode that cannot backtrack, so that matching takes time in proportion
/// to the text. Translated is what both know with other meaning: <c>\d \w \s</c> and <c>[[:alpha:]]</c> are ASCII, <c>$</c> is the
/// text's very end, <c>\Q…\E</c> quotes, <c>(?P&lt;name&gt;…)</c> names. What .NET alone knows (looking around, back references) is refused.
/// </summary>
internal static class GoPattern
{
    private static readonly Dictionary<string, string> Classes = new(StringComparer.Ordinal)
    {
        ["alnum"] = "0-9A-Za-z",
        ["alpha"] = "A-Za-z",
        ["ascii"] = @"\x00-\x7F",
        ["blank"] = @"\t ",
        ["cntrl"] = @"\x00-\x1F\x7F",
        ["digit"] = "0-9",
        ["graph"] = "!-~",
        ["lower"] = "a-z",
        ["print"] = " -~",
        ["punct"] = @"!-/:-@\[-`{-~",
        ["space"] = @"\t\n\v\f\r ",
        ["upper"] = "A-Z",
        ["word"] = "0-9A-Za-z_",
        ["xdigit"] = "0-9A-Fa-f",
    };

    /// <summary>Reads a pattern; what is none is the call's error.</summary>
    public static Regex Read(FunctionCall call, string pattern)
    {
        if (pattern.Length > TemplateLimits.Pattern)
        {
            throw call.Fail($"the regular expression has {pattern.Length} characters; at most {TemplateLimits.Pattern} are allowed");
        }

        try
        {
            return new(Translate(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or FormatException)
        {
            throw call.Fail($"the regular expression is not one that Go and this program know: {e.Message.ReplaceLineEndings(" ")}");
        }
    }

    private static string Translate(string pattern)
    {
        var result = new StringBuilder();
        bool isMultiline = Regex.IsMatch(pattern, @"\(\?[a-zA-Z]*m", RegexOptions.NonBacktracking);
        bool isInClass = false;
        for (int at = 0; at < pattern.Length; at++)
        {
            ReadOnlySpan<char> rest = pattern.AsSpan(at);
            if (rest[0] == '\\' && rest.Length > 1)
            {
                at += Escape(rest, isInClass, result);
            }
            else if (isInClass)
            {
                at += InClass(rest, result);
                isInClass = rest[0] != ']';
            }
            else if (rest[0] == '[')
            {
                // "]" as the first member stands for itself.
                string opening = rest.StartsWith("[^]") ? @"[^\]" : rest.StartsWith("[]") ? @"[\]" : rest.StartsWith("[^") ? "[^" : "[";
                result.Append(opening);
                at += opening.Replace("\\", "", StringComparison.Ordinal).Length - 1;
                isInClass = true;
            }
            else if (rest.StartsWith("(?P<"))
            {
                result.Append("(?<");
                at += 3;
            }
            else
            {
                result.Append(rest[0] == '$' && !isMultiline ? @"\z" : rest[0].ToString());
            }
        }

        return result.ToString();
    }

    // Returns how many characters it took beyond the first.
    private static int Escape(ReadOnlySpan<char> rest, bool isInClass, StringBuilder result)
    {
        (string open, string close) = isInClass ? ("", "") : ("[", "]");
        switch (rest[1])
        {
            case 'd':
                result.Append(open).Append("0-9").Append(close);
                return 1;
            case 'w':
                result.Append(open).Append("0-9A-Za-z_").Append(close);
                return 1;
            case 's':
                result.Append(open).Append(@"\t\n\f\r ").Append(close);
                return 1;
            case 'D' or 'W' or 'S' when !isInClass:
                result.Append(rest[1] switch { 'D' => "[^0-9]", 'W' => "[^0-9A-Za-z_]", _ => @"[^\t\n\f\r ]" });
                return 1;
            case 'Q' when !isInClass:
                int end = rest.IndexOf(@"\E", StringComparison.Ordinal);
                result.Append(Regex.Escape(rest[2..(end < 0 ? rest.Length : end)].ToString()));
                return end < 0 ? rest.Length - 1 : end + 1;
            case 'p' or 'P' when rest.Length > 2 && rest[2] != '{':
                result.Append('\\').Append(rest[1]).Append('{').Append(rest[2]).Append('}');
                return 2;
            default:
                result.Append(rest[..2]);
                return 1;
        }
    }

    private static int InClass(ReadOnlySpan<char> rest, StringBuilder result)
    {
        int end = rest.StartsWith("[:") ? rest.IndexOf(":]", StringComparison.Ordinal) : -1;
        if (end > 0 && Classes.TryGetValue(rest[2..end].ToString(), out string? members))
        {
            result.Append(members);
            return end + 1;
        }

        // .NET would subtract a class.
        result.Append(rest[0] == '[' ? @"\[" : rest[0].ToString());
        return 0;
    }
}
