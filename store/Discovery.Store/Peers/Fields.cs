using System.Buffers.Binary;
using Discovery.Raft;

namespace Discovery.Store.Peers;

/// <summary>Reads the fields of one payload in order, and believes none of its lengths.</summary>
/// <param name="payload">All of it.</param>
/// <param name="of">What it is, for the message of the error.</param>
internal ref struct FieldReader(ReadOnlySpan<byte> payload, string of)
{
    private ReadOnlySpan<byte> _left = payload;

    /// <summary>Bytes not read yet.</summary>
    public readonly int Left => _left.Length;

    public byte Byte(string field) => Bytes(1, field)[0];

    public ushort UInt16(string field) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2, field));

    public uint UInt32(string field) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4, field));

    public ulong UInt64(string field) => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8, field));

    public long Int64(string field) => BinaryPrimitives.ReadInt64LittleEndian(Bytes(8, field));

    /// <summary>A number that counts bytes or places: not below 0.</summary>
    public long Size(string field)
    {
        long size = Int64(field);
        return size >= 0 ? size : throw Wrong($"{field} is {size}, wanted at least 0");
    }

    public EntryId EntryId(string field) => new(UInt64(field), UInt64(field));

    public bool Flag(string field)
    {
        byte flag = Byte(field);
        return flag <= 1 ? flag == 1 : throw Wrong($"{field} is {flag}, wanted 0 or 1");
    }

    /// <summary>How many items follow: at most the bound, and at most what the bytes that are left can hold.</summary>
    public int Count(string field, int bytesEach, int max)
    {
        uint count = UInt32(field);
        if (count > max)
        {
            throw Wrong($"{field} is {count}, wanted at most {max}");
        }

        if ((long)count * bytesEach > Left)
        {
            throw Wrong($"{field} is {count}, of {bytesEach} bytes each; found {Left} bytes");
        }

        return (int)count;
    }

    public ReadOnlySpan<byte> Bytes(long count, string field)
    {
        if (count > _left.Length)
        {
            throw Wrong($"{field} has {_left.Length} bytes, wanted {count}");
        }

        ReadOnlySpan<byte> bytes = _left[..(int)count];
        _left = _left[(int)count..];
        return bytes;
    }

    /// <summary>Nothing may follow.</summary>
    public readonly void End()
    {
        if (Left > 0)
        {
            throw Wrong($"{Left} bytes follow its last field, wanted none");
        }
    }

    public readonly PeerFormatException Wrong(string what) => new($"found a bad {of}: {what}");
}

/// <summary>Writes fields one behind the other into room that was measured before.</summary>
internal ref struct FieldWriter(Span<byte> room)
{
    private Span<byte> _left = room;

    /// <summary>Bytes not written yet.</summary>
    public readonly int Left => _left.Length;

    public void Byte(byte value) => Next(1)[0] = value;

    public void Flag(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void UInt16(int value) => BinaryPrimitives.WriteUInt16LittleEndian(Next(2), (ushort)value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Next(4), value);

    public void Count(int value) => UInt32((uint)value);

    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Next(8), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Next(8), value);

    public void EntryId(EntryId id)
    {
        UInt64(id.Term);
        UInt64(id.Index);
    }

    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Next(bytes.Length));

    public void Zeros(int count) => Next(count).Clear();

    private Span<byte> Next(int count)
    {
        Span<byte> next = _left[..count];
        _left = _left[count..];
        return next;
    }
}
