using System.Globalization;
using System.Text;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>The backslash escapes in Go's quoted texts (The Go Programming Language Specification, "Rune literals").</summary>
internal static class GoEscape
{
    /// <summary>Reads the escape at <paramref name="at"/>, moves behind it and returns the bytes that it stands for.</summary>
    public static byte[] Read(string text, ref int at, char quote)
    {
        int start = at;
        char kind = at + 1 < text.Length ? text[at + 1] : '\0';
        at += 2;
        switch (kind)
        {
            case 'a': return [7];
            case 'b': return [8];
            case 'f': return [12];
            case 'n': return [10];
            case 'r': return [13];
            case 't': return [9];
            case 'v': return [11];
            case '\\': return [(byte)'\\'];
            case 'x': return Byte(Digits(text, ref at, 2, 16, start), quote);
            case 'u': return CodePoint(Digits(text, ref at, 4, 16, start), start);
            case 'U': return CodePoint(Digits(text, ref at, 8, 16, start), start);
            case >= '0' and <= '7':
                at--;
                long value = Digits(text, ref at, 3, 8, start);
                return value <= byte.MaxValue ? Byte(value, quote) : throw new TemplateException("an octal escape is at most \\377", start);
            default:
                return kind == quote ? [(byte)quote] : throw new TemplateException($"found \"\\{kind}\"; the escapes are \\a \\b \\f \\n \\r \\t \\v \\\\ \\{quote} \\xFF \\377 \\uFFFF \\UFFFFFFFF", start);
        }
    }

    // In a text \xFF is a byte, in single quotes a code point.
    private static byte[] Byte(long value, char quote) => quote == '"' ? [(byte)value] : Encoding.UTF8.GetBytes(((char)value).ToString());

    private static byte[] CodePoint(long value, int start) => value <= int.MaxValue && Rune.IsValid((int)value)
        ? Encoding.UTF8.GetBytes(new Rune((int)value).ToString())
        : throw new TemplateException("the escape names no Unicode character", start);

    private static long Digits(string text, ref int at, int count, int radix, int start)
    {
        string digits = at + count <= text.Length ? text.Substring(at, count) : "";
        bool isRight = digits.Length == count && digits.All(radix == 16 ? char.IsAsciiHexDigit : static c => c is >= '0' and <= '7');
        if (!isRight)
        {
            throw new TemplateException($"the escape wants {count} digits of base {radix}", start);
        }

        at += count;
        return radix == 16
            ? long.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : digits.Aggregate(0L, static (all, digit) => (all * 8) + (digit - '0'));
    }
}
