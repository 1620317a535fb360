using Google.Protobuf;

namespace Discovery.EtcdApi;

/// <summary>
/// etcd's half-open key range. <c>range_end</c> empty means the one key; the single byte 0 means every key from
/// <c>key</c> on; else [key, range_end) in byte order.
/// </summary>
public readonly record struct KeyRange(ByteString Key, ByteString End)
{
    private static readonly ByteString Zero = ByteString.CopyFrom(0);

    /// <summary>The one key only.</summary>
    public bool IsSingle => End.Length == 0;

    /// <summary>Every key from <see cref="Key"/> on.</summary>
    public bool IsFromKey => End.Length == 1 && End[0] == 0;

    /// <summary>A range that cannot hold a key: its end is not above its start.</summary>
    public bool IsEmpty => !IsSingle && !IsFromKey && Compare(Key, End) >= 0;

    /// <summary>The one key.</summary>
    public static KeyRange Exactly(string key) => new(ByteString.CopyFromUtf8(key), ByteString.Empty);

    /// <summary>All keys that start with the prefix: the end is the prefix with its last byte below 0xff raised by one.</summary>
    public static KeyRange Prefix(ByteString prefix)
    {
        byte[] end = prefix.ToByteArray();
        for (int last = end.Length - 1; last >= 0; last--)
        {
            if (end[last] < 0xff)
            {
                end[last]++;
                return new(prefix, ByteString.CopyFrom(end, 0, last + 1));
            }
        }

        return new(prefix.Length == 0 ? Zero : prefix, Zero);
    }

    /// <summary>All keys that start with the prefix.</summary>
    public static KeyRange Prefix(string prefix) => Prefix(ByteString.CopyFromUtf8(prefix));

    /// <summary>Whether the key lies in the range.</summary>
    public bool Contains(ByteString key) => IsSingle
        ? key.Equals(Key)
        : Compare(key, Key) >= 0 && (IsFromKey || Compare(key, End) < 0);

    /// <summary>Byte order, as etcd sorts keys.</summary>
    public static int Compare(ByteString left, ByteString right) => left.Span.SequenceCompareTo(right.Span);
}
