using System.Globalization;
using System.Text;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>
/// <c>printf</c>: Go's verbs v s q x X d t c b o U e f g with the flags - + 0 # and space, width and precision. As in Go a verb that
/// does not fit its argument is no error but shows in the text: <c>%!d(string=x)</c>.
/// </summary>
/// <param name="format">The format.</param>
/// <param name="arguments">What it formats.</param>
internal sealed class GoFormat(string format, IReadOnlyList<TemplateValue> arguments)
{
    private readonly StringBuilder _result = new();
    private int _at;
    private int _argument;

    /// <summary>The text.</summary>
    public string Write()
    {
        while (_at < format.Length)
        {
            int percent = format.IndexOf('%', _at);
            _result.Append(format, _at, (percent < 0 ? format.Length : percent) - _at);
            if (_result.Length > TemplateLimits.Value)
            {
                throw new TemplateException($"printf: its result would have more than {TemplateLimits.Value} characters");
            }

            if (percent < 0)
            {
                break;
            }

            _at = percent + 1;
            Verb();
        }

        if (_argument < arguments.Count)
        {
            _result.Append("%!(EXTRA ")
                .AppendJoin(", ", arguments.Skip(_argument).Select(static value => Typed(value)))
                .Append(')');
        }

        return _result.ToString();
    }

    private void Verb()
    {
        string flags = "";
        while (_at < format.Length && "-+# 0".Contains(format[_at], StringComparison.Ordinal))
        {
            flags += format[_at++];
            flags = flags.Length > 8 ? new([.. flags.Distinct()]) : flags;
        }

        int? width = Number();
        int? precision = null;
        if (_at < format.Length && format[_at] == '.')
        {
            _at++;
            precision = Number() ?? 0;
        }

        if (width < 0)
        {
            (flags, width) = (flags + '-', -width);
        }

        if (_at >= format.Length)
        {
            _result.Append("%!(NOVERB)");
            return;
        }

        Rune verb = Rune.TryGetRuneAt(format, _at, out Rune read) ? read : Rune.ReplacementChar;
        _at += verb.Utf16SequenceLength;
        if (verb.Value == '[')
        {
            throw new TemplateException("printf: arguments by their number (%[1]d) are not supported; write them in order");
        }

        if (verb.Value == '%')
        {
            _result.Append('%');
        }
        else if (_argument >= arguments.Count)
        {
            _result.Append("%!").Append(verb).Append("(MISSING)");
        }
        else
        {
            var shape = new FormatVerb(verb.ToString(), flags, width, precision);
            _result.Append(shape.Write(arguments[_argument++]));
        }
    }

    // Digits, or * for the next argument.
    private int? Number()
    {
        if (_at < format.Length && format[_at] == '*')
        {
            _at++;
            bool isNumber = _argument < arguments.Count && arguments[_argument].Kind == ValueKind.Integer;
            return isNumber ? Bounded(arguments[_argument++].Integer) : throw new TemplateException("printf: * wants a whole number among the arguments");
        }

        int start = _at;
        while (_at < format.Length && char.IsAsciiDigit(format[_at]))
        {
            _at++;
        }

        return start == _at ? null
            : Bounded(_at - start > 9 ? long.MaxValue : long.Parse(format.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    private static int Bounded(long number) => number is >= -TemplateLimits.FormatWidth and <= TemplateLimits.FormatWidth
        ? (int)number
        : throw new TemplateException($"printf: widths and precisions are at most {TemplateLimits.FormatWidth}");

    /// <summary>A value with its type, as Go shows what does not fit.</summary>
    public static string Typed(TemplateValue value) => value.Kind switch
    {
        ValueKind.Missing or ValueKind.Nil => "<nil>",
        ValueKind.Bool => $"bool={GoText.Plain(value)}",
        ValueKind.Integer => $"int={GoText.Plain(value)}",
        ValueKind.Float => $"float64={GoText.Plain(value)}",
        ValueKind.Text => $"string={value.Text}",
        ValueKind.Bytes => $"[]uint8={GoText.Plain(value)}",
        ValueKind.List => $"[]string={GoText.Plain(value)}",
        _ => $"map[string]string={GoText.Plain(value)}",
    };
}
