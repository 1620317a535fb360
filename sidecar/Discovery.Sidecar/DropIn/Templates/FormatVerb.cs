using System.Globalization;
using System.Text;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>One verb of <c>printf</c>, such as <c>%-5.2f</c>.</summary>
/// <param name="verb">Its letter.</param>
/// <param name="flags">Its flags.</param>
/// <param name="width">The least characters to fill.</param>
/// <param name="precision">What stands behind the point.</param>
internal sealed class FormatVerb(string verb, string flags, int? width, int? precision)
{
    /// <summary>A value in this form; lists and maps element by element.</summary>
    public string Write(TemplateValue value) => value.Kind switch
    {
        ValueKind.List => $"[{string.Join(' ', value.Items.Select(Write))}]",
        ValueKind.Map => $"map[{string.Join(' ', value.Map.Entries.Select(entry => $"{Write(TemplateValue.Of(entry.Key))}:{Write(entry.Value)}"))}]",
        ValueKind.Bytes when verb is "s" or "q" or "x" or "X" => Text(Encoding.UTF8.GetString(value.Bytes), value.Bytes),
        ValueKind.Text => Text(value.Text, Encoding.UTF8.GetBytes(value.Text)),
        ValueKind.Integer => Integer(value),
        ValueKind.Float => Float(value),
        ValueKind.Bool when verb is "v" or "t" => Pad(GoText.Plain(value)),
        ValueKind.Missing or ValueKind.Nil when verb == "v" => Pad("<nil>"),
        ValueKind.Bytes when verb == "v" => Pad(GoText.Plain(value)),
        _ => Unfit(value),
    };

    private string Text(string text, byte[] bytes)
    {
        string cut = precision is { } count ? string.Concat(text.EnumerateRunes().Take(count)) : text;
        return verb switch
        {
            "v" when Has('#') => Pad(GoText.Quoted(text)),
            "v" or "s" => Pad(cut),
            "q" when Has('#') && !cut.Contains('`', StringComparison.Ordinal) && !cut.Any(char.IsControl) => Pad($"`{cut}`"),
            "q" => Pad(GoText.Quoted(cut, isAscii: Has('+'))),
            "x" or "X" => Pad(Hexadecimal(precision is { } most ? bytes[..Math.Min(most, bytes.Length)] : bytes)),
            _ => Unfit(TemplateValue.Of(text)),
        };
    }

    private string Hexadecimal(byte[] bytes)
    {
        string[] pairs = [.. bytes.Select(b => b.ToString(verb == "x" ? "x2" : "X2", CultureInfo.InvariantCulture))];
        string prefix = Has('#') && pairs.Length > 0 ? $"0{verb}" : "";
        return Has(' ') ? string.Join(' ', pairs.Select(pair => prefix + pair)) : prefix + string.Concat(pairs);
    }

    private string Integer(TemplateValue value)
    {
        long number = value.Integer;
        switch (verb)
        {
            case "v" or "d":
                return Number(number < 0, Digits(number, 10), "");
            case "x" or "X":
                return Number(number < 0, verb == "x" ? Digits(number, 16) : Digits(number, 16).ToUpperInvariant(), Has('#') ? $"0{verb}" : "");
            case "o" or "b":
                return Number(number < 0, Digits(number, verb == "o" ? 8 : 2), Has('#') ? (verb == "o" ? "0" : "0b") : "");
            case "c" or "q":
                string character = (Rune.IsValid((int)Math.Clamp(number, -1, int.MaxValue)) ? new Rune((int)number) : Rune.ReplacementChar).ToString();
                return Pad(verb == "c" ? character : GoText.Quoted(character, '\''));
            case "U":
                return Pad($"U+{number:X4}");
            default:
                return Unfit(value);
        }
    }

    private string Float(TemplateValue value)
    {
        double number = value.Float;
        string text = verb switch
        {
            "v" or "g" or "G" when precision is null => GoNumber.Shortest(number),
            "f" or "F" => number.ToString($"F{precision ?? 6}", CultureInfo.InvariantCulture),
            "e" or "E" => Exponent(number),
            _ => "",
        };
        if (text.Length == 0)
        {
            return verb is "v" or "g" or "G" ? throw new TemplateException("printf: %g with a precision is not supported; %f and %e are") : Unfit(value);
        }

        text = verb is "G" ? text.ToUpperInvariant() : text;
        return Number(text[0] == '-', text.TrimStart('-', '+'), "");
    }

    private string Exponent(double number)
    {
        string[] parts = number.ToString($"E{precision ?? 6}", CultureInfo.InvariantCulture).Split('E');
        int exponent = int.Parse(parts[1], CultureInfo.InvariantCulture);
        return $"{parts[0]}{verb}{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    // The digits of a whole number without its sign.
    private static string Digits(long number, int radix)
    {
        ulong rest = number < 0 ? (ulong)(-(number + 1)) + 1 : (ulong)number;
        string digits = "";
        do
        {
            digits = "0123456789abcdef"[(int)(rest % (ulong)radix)] + digits;
            rest /= (ulong)radix;
        }
        while (rest > 0);

        return digits;
    }

    private string Number(bool isNegative, string digits, string prefix)
    {
        string sign = isNegative ? "-" : Has('+') ? "+" : Has(' ') ? " " : "";
        if (precision is { } least && verb is not ("f" or "F" or "e" or "E"))
        {
            digits = digits.PadLeft(least, '0');
        }
        else if (Has('0') && !Has('-') && width is { } all)
        {
            digits = digits.PadLeft(Math.Max(all - sign.Length - prefix.Length, 0), '0');
        }

        return Pad(sign + prefix + digits, isNumber: true);
    }

    private string Pad(string text, bool isNumber = false)
    {
        int missing = (width ?? 0) - text.EnumerateRunes().Count();
        return missing <= 0 ? text
            : Has('-') ? text + new string(' ', missing)
            : new string(Has('0') && !isNumber ? '0' : ' ', missing) + text;
    }

    private string Unfit(TemplateValue value) => value.Kind is ValueKind.Missing or ValueKind.Nil ? $"%!{verb}(<nil>)" : $"%!{verb}({GoFormat.Typed(value)})";

    private bool Has(char flag) => flags.Contains(flag, StringComparison.Ordinal);
}
