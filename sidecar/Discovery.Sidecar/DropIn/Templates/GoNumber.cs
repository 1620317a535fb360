using System.Globalization;

namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Numbers as Go writes them.</summary>
internal static class GoNumber
{
    /// <summary>Reads a number of the template: whole ones also as 0x1F, 0o17, 017 and 0b11, with underscores between digits.</summary>
    public static TemplateValue Parse(TemplateToken token)
    {
        bool isNegative = token.Text[0] == '-';
        string digits = token.Text.TrimStart('+', '-').ToLowerInvariant();
        if (TryWhole(digits, out ulong value) && value <= (ulong)long.MaxValue + (isNegative ? 1UL : 0))
        {
            return TemplateValue.Of(isNegative ? unchecked(-(long)value) : (long)value);
        }

        bool isFraction = digits.All(static c => char.IsAsciiDigit(c) || c is '.' or 'e' or '+' or '-') && digits.AsSpan().IndexOfAny(".e") >= 0;
        return isFraction && double.TryParse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? TemplateValue.Of(number)
            : throw new TemplateException($"\"{token.Text}\" is no number of 64 bits", token.Position);
    }

    /// <summary>
    /// The shortest text that reads back as the number, as <c>%v</c> writes it: with an exponent of at least two digits
    /// from a million on and below a ten-thousandth.
    /// </summary>
    public static string Shortest(double number)
    {
        if (!double.IsFinite(number))
        {
            return double.IsNaN(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
        }

        // 17 digits always suffice; .NET's "R" has the fewest, but with exponents of its own.
        string[] parts = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture).Split('E');
        int point = parts[0].IndexOf('.', StringComparison.Ordinal) is >= 0 and var at ? at : parts[0].Length;
        string digits = parts[0].Replace(".", "", StringComparison.Ordinal);
        int zeros = digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        int exponent = point - zeros - 1 + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        string sign = double.IsNegative(number) ? "-" : "";
        if (digits.Length == 0)
        {
            return sign + "0";
        }

        if (exponent is < -4 or >= 6)
        {
            string mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
            return $"{sign}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        return exponent < 0
            ? $"{sign}0.{new string('0', -exponent - 1)}{digits}"
            : digits.Length <= exponent + 1
                ? sign + digits.PadRight(exponent + 1, '0')
                : $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
    }

    private static bool TryWhole(string digits, out ulong value)
    {
        value = 0;
        bool isOctal = digits.Length > 1 && digits[0] == '0' && (char.IsAsciiDigit(digits[1]) || digits[1] is 'o' or '_');
        (int radix, int from) = digits switch
        {
            ['0', 'x', ..] => (16, 2),
            ['0', 'b', ..] => (2, 2),
            ['0', 'o', ..] => (8, 2),
            _ => (isOctal ? 8 : 10, 0),
        };
        string kept = digits[from..].Replace("_", "", StringComparison.Ordinal);
        if (kept.Length == 0 || digits.StartsWith('_') || digits.EndsWith('_') || digits.Contains("__", StringComparison.Ordinal))
        {
            return false;
        }

        foreach (char c in kept)
        {
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : radix;
            if (digit >= radix || value > (ulong.MaxValue - (ulong)digit) / (ulong)radix)
            {
                return false;
            }

            value = (value * (ulong)radix) + (ulong)digit;
        }

        return true;
    }
}
