namespace Discovery.Store.Api;

/// <summary>Finds <c>:authority</c> in a header block (HPACK, RFC 7541) and takes the look of a URL from it. Pure.</summary>
internal static class Authority
{
    /// <summary>":authority" in the static table.</summary>
    private const int NameIndex = 1;

    /// <summary>Bits of "http" and of "https" in Huffman code (RFC 7541, appendix B).</summary>
    private const int HttpBits = 22;
    private const int HttpsBits = 27;

    /// <summary>"://", 19 bits, and "x--", which has as many and may stand in a host's name.</summary>
    private const int SchemeEndBits = 19;
    private const uint SchemeEnd = 0b1011100_011000_011000;
    private const uint Replacement = 0b1111001_010110_010110;

    private const uint Http = 0b100111_01001_01001_101011;
    private const uint Https = (Http << 5) | 0b01000;

    /// <summary>Whether there was one that begins with <c>http://</c> or <c>https://</c>; changed in place, its length is the same.</summary>
    public static bool TryMend(Span<byte> block)
    {
        int at = 0;
        while (at < block.Length)
        {
            byte first = block[at];
            if ((first & 0x80) != 0)
            {
                // Both name and value from a table.
                if (!TryReadInteger(block, ref at, 7, out _))
                {
                    return false;
                }

                continue;
            }

            if ((first & 0xe0) == 0x20)
            {
                // The table's size.
                if (!TryReadInteger(block, ref at, 5, out _))
                {
                    return false;
                }

                continue;
            }

            if (!TryReadInteger(block, ref at, (first & 0x40) != 0 ? 6 : 4, out int name)
                || (name == 0 && !TryReadString(block, ref at, out _, out _))
                || !TryReadString(block, ref at, out Range value, out bool isHuffman))
            {
                return false;
            }

            if (name == NameIndex)
            {
                return isHuffman ? MendHuffman(block[value]) : MendText(block[value]);
            }
        }

        return false;
    }

    private static bool MendText(Span<byte> text)
    {
        int end = text.StartsWith("http://"u8) ? 4 : text.StartsWith("https://"u8) ? 5 : -1;
        if (end > 0)
        {
            "x--"u8.CopyTo(text[end..]);
        }

        return end > 0;
    }

    private static bool MendHuffman(Span<byte> code)
    {
        int end = Bits(code, 0, HttpBits) == Http && Bits(code, HttpBits, SchemeEndBits) == SchemeEnd ? HttpBits
            : Bits(code, 0, HttpsBits) == Https && Bits(code, HttpsBits, SchemeEndBits) == SchemeEnd ? HttpsBits
            : -1;
        for (int i = 0; end > 0 && i < SchemeEndBits; i++)
        {
            int bit = end + i;
            uint change = ((SchemeEnd ^ Replacement) >> (SchemeEndBits - 1 - i)) & 1;
            code[bit / 8] ^= (byte)(change << (7 - (bit % 8)));
        }

        return end > 0;
    }

    /// <summary>Bits from the first of each byte on; all set where the code is shorter, which no text begins with.</summary>
    private static uint Bits(ReadOnlySpan<byte> code, int from, int count)
    {
        if (from + count > 8 * code.Length)
        {
            return uint.MaxValue;
        }

        uint bits = 0;
        for (int bit = from; bit < from + count; bit++)
        {
            bits = (bits << 1) | (uint)((code[bit / 8] >> (7 - (bit % 8))) & 1);
        }

        return bits;
    }

    private static bool TryReadString(ReadOnlySpan<byte> block, ref int at, out Range value, out bool isHuffman)
    {
        value = default;
        isHuffman = at < block.Length && (block[at] & 0x80) != 0;
        if (!TryReadInteger(block, ref at, 7, out int length) || length > block.Length - at)
        {
            return false;
        }

        value = at..(at + length);
        at += length;
        return true;
    }

    /// <summary>RFC 7541, 5.1; false where it is cut off or larger than any that makes sense here.</summary>
    private static bool TryReadInteger(ReadOnlySpan<byte> block, ref int at, int prefixBits, out int number)
    {
        number = 0;
        if (at >= block.Length)
        {
            return false;
        }

        int max = (1 << prefixBits) - 1;
        number = block[at++] & max;
        for (int shift = 0; number >= max && shift <= 21; shift += 7)
        {
            if (at >= block.Length)
            {
                return false;
            }

            byte next = block[at++];
            number += (next & 0x7f) << shift;
            if ((next & 0x80) == 0)
            {
                return true;
            }
        }

        return number < max;
    }
}
