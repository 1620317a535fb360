using System.Runtime.CompilerServices;
using Discovery.EtcdApi.Messages;

namespace Discovery.Simulator.Checks;

/// <summary>
/// A hash of 128 bits made of 64-bit words in order: two lanes, each mixed by SplitMix64's finalizer (Steele, Lea, Flood
/// 2014). The same on every machine, unlike <see cref="HashCode"/>; against accident, not malice.
/// </summary>
internal struct Fingerprint
{
    private ulong _low;
    private ulong _high;

    public readonly UInt128 Value => new(Mix(_high), Mix(_low));

    /// <summary>The fingerprint of one word: a random-looking number that stands for it.</summary>
    public static UInt128 Of(ulong word)
    {
        var hash = new Fingerprint();
        hash.Add(word);
        return hash.Value;
    }

    public void Add(ulong word)
    {
        _low = Mix(_low ^ word) + 0x9e3779b97f4a7c15;
        _high = Mix(_high + word) ^ 0xd1b54a32d192ed03;
    }

    /// <summary>Adds bytes with their length, so that two neighbours cannot be told apart wrongly.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        while (bytes.Length >= sizeof(ulong))
        {
            Add(BitConverter.ToUInt64(bytes));
            bytes = bytes[sizeof(ulong)..];
        }

        ulong rest = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            rest |= (ulong)bytes[i] << (8 * i);
        }

        Add(rest);
    }

    /// <summary>Adds a pair, all of it.</summary>
    public void Add(KeyValue kv)
    {
        Add(kv.Key.Span);
        Add(kv.Value.Span);
        Add((ulong)kv.CreateRevision);
        Add((ulong)kv.ModRevision);
        Add((ulong)kv.Version);
        Add((ulong)kv.Lease);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mix(ulong word)
    {
        word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
        word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
        return word ^ (word >> 31);
    }
}
