using System.Buffers.Binary;
using System.Text;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// Writes ZooKeeper's packets: big-endian numbers; texts and buffers with their length before them. Begins with room for the
/// packet's own length, which <see cref="Packet"/> fills in.
/// </summary>
internal sealed class JuteWriter
{
    private readonly List<byte> _bytes = [0, 0, 0, 0];

    /// <summary>A 32-bit number.</summary>
    public JuteWriter Int(int value)
    {
        Span<byte> room = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(room, value);
        _bytes.AddRange(room);
        return this;
    }

    /// <summary>A 64-bit number.</summary>
    public JuteWriter Long(long value)
    {
        Span<byte> room = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(room, value);
        _bytes.AddRange(room);
        return this;
    }

    /// <summary>A truth value, one byte.</summary>
    public JuteWriter Bool(bool value)
    {
        _bytes.Add(value ? (byte)1 : (byte)0);
        return this;
    }

    /// <summary>Bytes.</summary>
    public JuteWriter Buffer(ReadOnlySpan<byte> value)
    {
        Int(value.Length);
        _bytes.AddRange(value);
        return this;
    }

    /// <summary>A text in UTF-8.</summary>
    public JuteWriter Text(string value) => Buffer(Encoding.UTF8.GetBytes(value));

    /// <summary>The whole packet with its length.</summary>
    public byte[] Packet()
    {
        byte[] packet = [.. _bytes];
        BinaryPrimitives.WriteInt32BigEndian(packet, packet.Length - sizeof(int));
        return packet;
    }
}

/// <summary>Reads ZooKeeper's packets, without their length. Throws <see cref="InvalidDataException"/> where one ends too early.</summary>
internal sealed class JuteReader(ReadOnlyMemory<byte> packet)
{
    private ReadOnlyMemory<byte> _rest = packet;

    /// <summary>Whether nothing is left.</summary>
    public bool IsAtEnd => _rest.IsEmpty;

    /// <summary>A 32-bit number.</summary>
    public int Int() => BinaryPrimitives.ReadInt32BigEndian(Take(sizeof(int)));

    /// <summary>A 64-bit number.</summary>
    public long Long() => BinaryPrimitives.ReadInt64BigEndian(Take(sizeof(long)));

    /// <summary>A truth value.</summary>
    public bool Bool() => Take(1)[0] != 0;

    /// <summary>Bytes; none for null.</summary>
    public byte[] Buffer()
    {
        int length = Int();
        return length < 0 ? [] : Take(length).ToArray();
    }

    /// <summary>A text in UTF-8.</summary>
    public string Text() => Encoding.UTF8.GetString(Buffer());

    private ReadOnlySpan<byte> Take(int length)
    {
        if (length > _rest.Length)
        {
            throw new InvalidDataException($"a packet of ZooKeeper's ends after {_rest.Length} of {length} bytes");
        }

        ReadOnlySpan<byte> taken = _rest.Span[..length];
        _rest = _rest[length..];
        return taken;
    }
}
