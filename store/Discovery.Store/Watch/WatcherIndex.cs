using System.Diagnostics.CodeAnalysis;
using Discovery.EtcdApi;
using Google.Protobuf;

namespace Discovery.Store.Watch;

/// <summary>
/// Finds the watchers of a key. One key and one prefix are what clients watch, so both are found by hashing: the cost
/// of an event is that of the prefix lengths in use, not of the watchers. Any other range is compared one by one, but
/// once for all watchers that share it. Not thread-safe: the hub owns it.
/// </summary>
internal sealed class WatcherIndex
{
    private readonly Dictionary<ByteString, HashSet<Watcher>> _byKey = new(KeyBytes.Comparer);
    private readonly Dictionary<ByteString, HashSet<Watcher>> _byPrefix = new(KeyBytes.Comparer);
    private readonly SortedDictionary<int, int> _prefixLengths = [];
    private readonly Dictionary<KeyRange, HashSet<Watcher>> _byRange = [];

    /// <summary>How many watchers there are.</summary>
    public int Count { get; private set; }

    /// <summary>All watchers, for the rare case that concerns every one.</summary>
    public IEnumerable<Watcher> All =>
        _byKey.Values.Concat(_byPrefix.Values).Concat(_byRange.Values).SelectMany(static group => group);

    public void Add(Watcher watcher)
    {
        Count++;
        KeyRange range = watcher.Range;
        if (range.IsSingle)
        {
            _ = Join(_byKey, range.Key, watcher);
        }
        else if (!IsPrefix(range))
        {
            _ = Join(_byRange, range, watcher);
        }
        else if (Join(_byPrefix, range.Key, watcher))
        {
            _prefixLengths[range.Key.Length] = _prefixLengths.GetValueOrDefault(range.Key.Length) + 1;
        }
    }

    public void Remove(Watcher watcher)
    {
        Count--;
        KeyRange range = watcher.Range;
        if (range.IsSingle)
        {
            _ = Leave(_byKey, range.Key, watcher);
        }
        else if (!IsPrefix(range))
        {
            _ = Leave(_byRange, range, watcher);
        }
        else if (Leave(_byPrefix, range.Key, watcher) && --_prefixLengths[range.Key.Length] == 0)
        {
            _ = _prefixLengths.Remove(range.Key.Length);
        }
    }

    /// <summary>Adds the watchers whose range holds the key to the list, each group whole.</summary>
    public void Find(ByteString key, List<HashSet<Watcher>> found)
    {
        if (_byKey.TryGetValue(key, out HashSet<Watcher>? exact))
        {
            found.Add(exact);
        }

        var byPrefix = _byPrefix.GetAlternateLookup<ReadOnlySpan<byte>>();
        foreach ((int length, _) in _prefixLengths)
        {
            if (length > key.Length)
            {
                break;
            }

            if (byPrefix.TryGetValue(key.Span[..length], out HashSet<Watcher>? group))
            {
                found.Add(group);
            }
        }

        foreach ((KeyRange range, HashSet<Watcher> group) in _byRange)
        {
            if (range.Contains(key))
            {
                found.Add(group);
            }
        }
    }

    private static bool IsPrefix(KeyRange range) => !range.IsFromKey && KeyRange.Prefix(range.Key).End.Equals(range.End);

    /// <summary>True when the group is new.</summary>
    private static bool Join<TKey>(Dictionary<TKey, HashSet<Watcher>> groups, TKey key, Watcher watcher)
        where TKey : notnull
    {
        bool isNew = !groups.TryGetValue(key, out HashSet<Watcher>? group);
        if (group is null)
        {
            groups[key] = group = [];
        }

        _ = group.Add(watcher);
        return isNew;
    }

    /// <summary>True when the group is gone.</summary>
    private static bool Leave<TKey>(Dictionary<TKey, HashSet<Watcher>> groups, TKey key, Watcher watcher)
        where TKey : notnull
    {
        HashSet<Watcher> group = groups[key];
        _ = group.Remove(watcher);
        return group.Count == 0 && groups.Remove(key);
    }

    /// <summary>Lets a prefix be looked up by a slice of the key, without a copy.</summary>
    private sealed class KeyBytes : IEqualityComparer<ByteString>, IAlternateEqualityComparer<ReadOnlySpan<byte>, ByteString>
    {
        public static readonly KeyBytes Comparer = new();

        public bool Equals(ByteString? x, ByteString? y) => x is null ? y is null : x.Equals(y);

        public bool Equals(ReadOnlySpan<byte> alternate, ByteString other) => other.Span.SequenceEqual(alternate);

        public int GetHashCode([DisallowNull] ByteString obj) => GetHashCode(obj.Span);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = new HashCode();
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public ByteString Create(ReadOnlySpan<byte> alternate) => ByteString.CopyFrom(alternate);
    }
}
