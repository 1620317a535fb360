using System.Buffers.Binary;
using System.Numerics;

namespace Discovery.Store.Log;

/// <summary>
/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) by the processor's instruction. Written here because the framework has
/// it only one word at a time and the package that has the rest is not on every feed.
/// </summary>
internal static class Crc32C
{
    /// <summary>The checksum of the data, or of all data so far when the checksum of what came before is given.</summary>
    public static uint Compute(ReadOnlySpan<byte> data, uint before = 0)
    {
        uint crc = ~before;
        while (data.Length >= sizeof(ulong))
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[sizeof(ulong)..];
        }

        foreach (byte last in data)
        {
            crc = BitOperations.Crc32C(crc, last);
        }

        return ~crc;
    }
}
