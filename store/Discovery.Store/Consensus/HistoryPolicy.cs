using Discovery.Store.Keyspace;

namespace Discovery.Store.Consensus;

/// <summary>
/// Up to where the leader proposes to compact, by its own clock; what the log then says holds for all members. Without
/// settings: what is older than an hour or beyond the bytes goes, but never the last 10,000 revisions.
/// </summary>
internal sealed class HistoryPolicy
{
    /// <summary>Between two looks: a busy store writes some 15 MB in it.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>Samples of which revision stood when: the age is exact to one part in so many.</summary>
    private const int SamplesPerAge = 3600;

    private readonly TimeSpan? _age;
    private readonly long? _bytes;
    private readonly long _keepRevisions;
    private readonly long _step;
    private readonly Queue<(TimeSpan At, long Revision)> _samples = new();
    private TimeSpan _nextLook = TimeSpan.MinValue;
    private TimeSpan _nextSample = TimeSpan.MinValue;
    private long _agedRevision;

    private HistoryPolicy(TimeSpan? age, long? bytes, long keepRevisions, long step)
    {
        _age = age;
        _bytes = bytes;
        _keepRevisions = keepRevisions;
        _step = step;
    }

    /// <summary>By etcd's flags when one is given, else by age and bytes.</summary>
    public static HistoryPolicy From(StoreOptions options)
    {
        if (options.AutoCompactionRetention.Length == 0)
        {
            return new HistoryPolicy(Limits.HistoryAge, options.HistoryBytes, Limits.HistoryRevisionsMin, Limits.CompactionStep);
        }

        long retention = StoreOptions.RetentionOf(options.AutoCompactionMode, options.AutoCompactionRetention) ?? 0;
        return retention == 0 ? new HistoryPolicy(null, null, long.MaxValue, 1)
            : options.AutoCompactionMode == "revision" ? new HistoryPolicy(null, null, retention, 1)
            : new HistoryPolicy(TimeSpan.FromMilliseconds(retention), null, 0, 1);
    }

    /// <summary>The revision to compact to; null when there is too little to gain, or not yet time to look.</summary>
    public long? Target(KeyspaceState keyspace, TimeSpan now)
    {
        if (now < _nextLook)
        {
            return null;
        }

        _nextLook = now + LookEvery;
        if (_age is { } age && now >= _nextSample)
        {
            _nextSample = now + (age / SamplesPerAge);
            _samples.Enqueue((now, keyspace.Revision));
        }

        while (_samples.TryPeek(out (TimeSpan At, long Revision) oldest) && now - oldest.At >= (_age ?? TimeSpan.Zero))
        {
            _agedRevision = oldest.Revision;
            _samples.Dequeue();
        }

        long target = _age is null && _bytes is null ? keyspace.Revision : 0;
        target = _age is null ? target : Math.Max(target, _agedRevision);
        target = _bytes is { } bytes ? Math.Max(target, keyspace.Events.FirstWithin(bytes)) : target;
        target = Math.Min(target, keyspace.Revision - Math.Min(_keepRevisions, keyspace.Revision));
        return target - keyspace.CompactedRevision >= _step ? target : null;
    }
}
