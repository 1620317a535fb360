using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Keyspace;

/// <summary>
/// The kept versions of one key, oldest first; a deletion is a version with <c>version</c> 0. Immutable to readers:
/// a newer history shares the array of an older one and only writes slots that the older one does not look at.
/// That is safe because histories never fork: only the newest is ever appended to, by one thread.
/// </summary>
internal sealed class KeyHistory
{
    private readonly KeyValue[] _older;
    private readonly int _olderCount;

    private KeyHistory(KeyValue latest, KeyValue[] older, int olderCount)
    {
        Latest = latest;
        _older = older;
        _olderCount = olderCount;
    }

    public KeyHistory(KeyValue first)
        : this(first, [], 0)
    {
    }

    public KeyValue Latest { get; }

    public bool IsLive => Latest.Version != 0;

    public KeyHistory Append(KeyValue version)
    {
        if (Latest.ModRevision == version.ModRevision)
        {
            // A put and a delete of one key by sibling transactions share a revision; a reader sees the last.
            return new KeyHistory(version, _older, _olderCount);
        }

        KeyValue[] older = _older;
        if (_olderCount == older.Length)
        {
            older = new KeyValue[Math.Max(2, _olderCount * 2)];
            Array.Copy(_older, older, _olderCount);
        }

        older[_olderCount] = Latest;
        return new KeyHistory(version, older, _olderCount + 1);
    }

    /// <summary>The version that stood at the revision, a deletion included; null when the key had none.</summary>
    public KeyValue? At(long revision)
    {
        if (Latest.ModRevision <= revision)
        {
            return Latest;
        }

        int floor = OlderFloor(revision);
        return floor < 0 ? null : _older[floor];
    }

    /// <summary>The live pair at the revision, or null.</summary>
    public KeyValue? LiveAt(long revision) => At(revision) is { Version: not 0 } kv ? kv : null;

    /// <summary>
    /// Without what a compaction at the revision makes unreadable: the last version at or below it stays, unless that
    /// is a deletion below it. Null when nothing stays.
    /// </summary>
    public KeyHistory? Trim(long revision)
    {
        if (Latest.ModRevision <= revision)
        {
            bool gone = !IsLive && Latest.ModRevision < revision;
            return gone ? null : _olderCount == 0 ? this : new KeyHistory(Latest);
        }

        int floor = OlderFloor(revision);
        if (floor >= 0 && _older[floor] is { Version: 0 } deletion && deletion.ModRevision < revision)
        {
            floor++;
        }

        // A new array: the old one may be in a reader's hands.
        return floor <= 0 ? this : new KeyHistory(Latest, _older[floor.._olderCount], _olderCount - floor);
    }

    private int OlderFloor(long revision)
    {
        int low = 0;
        int high = _olderCount - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            if (_older[middle].ModRevision <= revision)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return high;
    }
}
