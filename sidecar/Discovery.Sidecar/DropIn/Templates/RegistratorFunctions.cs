using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>The functions that registrator adds, with its order of arguments and what it does at the edges (bridge/bridge.go).</summary>
internal static class RegistratorFunctions
{
    /// <summary>All of them.</summary>
    public static IEnumerable<TemplateFunction> All =>
    [
        new("strSlice", 1, int.MaxValue, Slice),
        new("sIndex", 2, 2, static call => At(call, call.Texts(1))),
        new("mIndex", 2, 2, Lookup),
        new("toUpper", 1, 1, static call => TemplateValue.Of(call.Text(0).ToUpperInvariant())),
        new("toLower", 1, 1, static call => TemplateValue.Of(call.Text(0).ToLowerInvariant())),
        new("replace", 4, 4, Replace),
        new("join", 2, 2, Join),
        new("split", 2, 2, static call => TemplateValue.Of((IEnumerable<string>)Split(call, call.Text(0), call.Text(1)))),
        new("splitIndex", 3, 3, static call => At(call, Split(call, call.Text(1), call.Text(2)))),
        new("matchFirstElement", 2, 2, static call => TemplateValue.Of(Matches(call).FirstOrDefault() ?? "")),
        new("matchAllElements", 2, 2, static call => TemplateValue.Of(Matches(call))),
        new("httpGet", 1, 1, static call => TemplateValue.Of(call.Answers.Get(call.Text(0)))),
        new("jsonParse", 2, 2, Find),
    ];

    // strSlice text start [end], in bytes. Indices behind the text's end leave it whole; an end before the start is ignored,
    // and so are all indices when there are three or more.
    private static TemplateValue Slice(FunctionCall call)
    {
        byte[] text = Encoding.UTF8.GetBytes(call.Text(0));
        long[] at = [.. Enumerable.Range(1, call.Count - 1).Select(call.Integer)];
        if (at.Any(static index => index < 0))
        {
            throw call.Fail("indices are counted from 0; a negative one was given");
        }

        bool isWithin = at.Length is 1 or 2 && at.All(index => index <= text.Length);
        int start = isWithin ? (int)at[0] : 0;
        int end = isWithin && at.Length == 2 && at[1] >= start ? (int)at[1] : text.Length;
        return TemplateValue.Of(Encoding.UTF8.GetString(text[start..end]));
    }

    // Negative indices count from the end; indices beyond either end mean the element there.
    private static TemplateValue At(FunctionCall call, string[] texts)
    {
        long index = call.Integer(0);
        if (texts.Length == 0)
        {
            throw call.Fail("the list is empty; at least one element is wanted");
        }

        long at = index >= 0 ? Math.Min(index, texts.Length - 1) : Math.Max(texts.Length + Math.Max(index, -texts.Length), 0);
        return TemplateValue.Of(texts[at]);
    }

    private static TemplateValue Lookup(FunctionCall call) => call[1].Kind switch
    {
        ValueKind.Nil or ValueKind.Missing => TemplateValue.Of(""),
        ValueKind.Map when call[1].Map.Index(call.Text(0)) is { Kind: ValueKind.Text } found => found,
        _ => throw call.Wrong(1, "a map of texts"),
    };

    // replace count old new text; a negative count replaces all, an empty old stands before each character and at the end.
    private static TemplateValue Replace(FunctionCall call)
    {
        (long count, string old, string with, string text) = (call.Integer(0), call.Text(1), call.Text(2), call.Text(3));
        string[] parts = old.Length == 0 ? ["", .. text.EnumerateRunes().Select(static rune => rune.ToString()), ""] : text.Split(old);
        if (old.Length == 0 && text.Length == 0)
        {
            parts = ["", ""];
        }

        long times = count < 0 ? parts.Length - 1 : Math.Min(count, parts.Length - 1);
        call.Fits(text.Length + (times * (with.Length - (long)old.Length)));
        var result = new StringBuilder(parts[0]);
        for (int i = 1; i < parts.Length; i++)
        {
            result.Append(i <= times ? with : old).Append(parts[i]);
        }

        return TemplateValue.Of(result.ToString());
    }

    private static TemplateValue Join(FunctionCall call)
    {
        (string separator, string[] texts) = (call.Text(0), call.Texts(1));
        call.Fits(texts.Sum(static text => (long)text.Length) + ((long)separator.Length * Math.Max(texts.Length - 1, 0)));
        return TemplateValue.Of(string.Join(separator, texts));
    }

    // An empty separator parts every character.
    private static string[] Split(FunctionCall call, string separator, string text)
    {
        call.Fits(text.Length);
        return separator.Length == 0 ? [.. text.EnumerateRunes().Select(static rune => rune.ToString())] : text.Split(separator);
    }

    private static IEnumerable<string> Matches(FunctionCall call)
    {
        Regex pattern = GoPattern.Read(call, call.Text(0));
        return call.Texts(1).Where(text => pattern.IsMatch(text));
    }

    // jsonParse json key1::key2: a text without its quotes and with its escapes, all else as it is written; [3] is an element.
    // What is not there, and what is no JSON, is empty.
    private static TemplateValue Find(FunctionCall call)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(call.Text(0));
            JsonElement at = json.RootElement;
            foreach (string key in call.Text(1).Split("::"))
            {
                if (!TryStep(at, key, out at))
                {
                    return TemplateValue.Of("");
                }
            }

            string raw = at.GetRawText();
            return TemplateValue.Of(at.ValueKind == JsonValueKind.String ? raw[1..^1] : raw);
        }
        catch (JsonException)
        {
            return TemplateValue.Of("");
        }
    }

    private static bool TryStep(JsonElement from, string key, out JsonElement to)
    {
        to = default;
        if (from.ValueKind == JsonValueKind.Object)
        {
            return from.TryGetProperty(key, out to);
        }

        if (from.ValueKind != JsonValueKind.Array || key is not ['[', .. var digits, ']'] || !int.TryParse(digits, out int index) || index < 0 || index >= from.GetArrayLength())
        {
            return false;
        }

        to = from[index];
        return true;
    }
}
