using System.Globalization;
using System.Text;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>How Go writes values (fmt's <c>%v</c>) and escapes texts.</summary>
internal static class GoText
{
    /// <summary>What <c>{{value}}</c> writes.</summary>
    public static string Written(TemplateValue value) => value.Kind is ValueKind.Missing or ValueKind.Nil ? "<no value>" : Plain(value);

    /// <summary><c>%v</c>.</summary>
    public static string Plain(TemplateValue value)
    {
        switch (value.Kind)
        {
            case ValueKind.Bool:
                return value.Bool ? "true" : "false";
            case ValueKind.Integer:
                return value.Integer.ToString(CultureInfo.InvariantCulture);
            case ValueKind.Float:
                return GoNumber.Shortest(value.Float);
            case ValueKind.Text:
                return value.Text;
            case ValueKind.Bytes:
                return $"[{string.Join(' ', value.Bytes)}]";
            case ValueKind.List:
                return $"[{string.Join(' ', value.Items.Select(Plain))}]";
            case ValueKind.Map:
                return $"map[{string.Join(' ', value.Map.Entries.Select(static entry => $"{entry.Key}:{Plain(entry.Value)}"))}]";
            default:
                return "<nil>";
        }
    }

    /// <summary><c>print</c>: a space between two values of which neither is a text.</summary>
    public static string Print(IReadOnlyList<TemplateValue> values)
    {
        var text = new StringBuilder();
        for (int i = 0; i < values.Count; i++)
        {
            bool parts = i > 0 && values[i].Kind != ValueKind.Text && values[i - 1].Kind != ValueKind.Text;
            text.Append(parts ? " " : "").Append(Plain(values[i]));
        }

        return text.ToString();
    }

    /// <summary>What <c>html</c>, <c>js</c> and <c>urlquery</c> escape: as <c>print</c>, but nothing is said as in <c>{{value}}</c>.</summary>
    public static string ToEscape(IReadOnlyList<TemplateValue> values) =>
        Print([.. values.Select(static value => value.Kind is ValueKind.Missing or ValueKind.Nil ? TemplateValue.Of(Written(value)) : value)]);

    /// <summary><c>println</c>: a space between all values and a line's end.</summary>
    public static string PrintLine(IReadOnlyList<TemplateValue> values) => string.Join(' ', values.Select(Plain)) + "\n";

    /// <summary><c>html</c>: what is markup becomes text.</summary>
    public static string Html(string text) => Escaped(text, static rune => rune.Value switch
    {
        0 => "\uFFFD",
        '"' => "&#34;",
        '\'' => "&#39;",
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        _ => null,
    });

    /// <summary><c>js</c>: fit to stand in quotes in JavaScript.</summary>
    public static string Script(string text) => Escaped(text, static rune => rune.Value switch
    {
        '\\' => @"\\",
        '\'' => @"\'",
        '"' => "\\\"",
        '<' or '>' or '&' or '=' or < 0x20 => $"\\u{rune.Value:X4}",
        > 0x7F when !IsPrintable(rune) => $"\\u{rune.Value:X4}",
        _ => null,
    });

    /// <summary><c>urlquery</c>: fit to be a value in a URL's query.</summary>
    public static string UrlQuery(string text) => Uri.EscapeDataString(text).Replace("%20", "+", StringComparison.Ordinal);

    /// <summary>Go's quoted text, <c>%q</c>.</summary>
    public static string Quoted(string text, char quote = '"', bool isAscii = false) => quote + Escaped(text, rune => rune.Value switch
    {
        '\a' => @"\a",
        '\b' => @"\b",
        '\f' => @"\f",
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        '\v' => @"\v",
        '\\' => @"\\",
        var value when value == quote => $"\\{quote}",
        < 0x20 or 0x7F => $"\\x{rune.Value:x2}",
        _ when IsPrintable(rune) && (!isAscii || rune.IsAscii) => null,
        <= 0xFFFF => $"\\u{rune.Value:x4}",
        _ => $"\\U{rune.Value:x8}",
    }) + quote;

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static string Escaped(string text, Func<Rune, string?> escape)
    {
        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            result.Append(escape(rune) ?? rune.ToString());
        }

        return result.ToString();
    }
}
