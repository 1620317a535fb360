using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Simulator.Checks;

/// <summary>One change of the true history.</summary>
/// <param name="IsDelete">Whether the key was deleted.</param>
/// <param name="Kv">The pair as put; of a deletion the key and mod_revision only.</param>
/// <param name="Previous">The pair as it was before the revision; null when there was none.</param>
internal sealed record TrueEvent(bool IsDelete, KeyValue Kv, KeyValue? Previous);

/// <summary>
/// What really happened, revision by revision: what watches, leases and reads are measured by. Taken from the first view
/// that holds a revision; every other member's account of it must be the same, or the history itself is the violation.
/// A view costs what is new in it.
/// </summary>
/// <remarks>
/// The driver gives it each member's view when the member publishes it, before anybody is answered. A run of real
/// processes gives it what a watch from revision 1 has told.
/// </remarks>
internal sealed class RevisionHistory(RunPosition position)
{
    private const string Name = "one history";
    private const long FirstRevision = 2;

    private readonly List<TrueEvent[]> _revisions = [];
    private readonly List<UInt128> _fingerprints = [];
    private readonly Dictionary<ByteString, KeyValue> _live = [];
    private readonly SortedDictionary<ByteString, List<KeyValue>> _versions = new(Comparer<ByteString>.Create(KeyRange.Compare));
    private readonly Dictionary<object, long> _readBy = [];

    /// <summary>The newest revision that anybody applied; 1 when nothing happened.</summary>
    public long Last => FirstRevision + _revisions.Count - 1;

    /// <summary>The greatest revision below which somebody has compacted.</summary>
    public long Compacted { get; private set; }

    /// <summary>Told of each new revision, in order, once.</summary>
    public event Action<long, IReadOnlyList<TrueEvent>>? Happened;

    /// <summary>The changes of a revision from 2 to <see cref="Last"/>, in order.</summary>
    public IReadOnlyList<TrueEvent> At(long revision) => _revisions[(int)(revision - FirstRevision)];

    /// <summary>The live pairs as of <see cref="Last"/>.</summary>
    public IReadOnlyDictionary<ByteString, KeyValue> Live => _live;

    /// <summary>The pairs of a range as they stood at a revision, in byte order.</summary>
    public IEnumerable<KeyValue> PairsAt(KeyRange range, long revision)
    {
        foreach ((ByteString key, List<KeyValue> versions) in _versions)
        {
            if (range.Contains(key) && versions.FindLast(kv => kv.ModRevision <= revision) is { Version: > 0 } pair)
            {
                yield return pair;
            }
        }
    }

    /// <summary>A member has published a view.</summary>
    /// <param name="member">Who; a member that starts again is another, since it may have forgotten.</param>
    /// <param name="view">What.</param>
    public void Read(object member, KeyspaceView view)
    {
        Compacted = Math.Max(Compacted, view.CompactedRevision);
        long from = Math.Max(_readBy.GetValueOrDefault(member, FirstRevision - 1) + 1, Math.Max(view.CompactedRevision, FirstRevision));
        if (from <= view.Revision)
        {
            foreach (RevisionEvents revision in view.EventsFrom(from))
            {
                Add(member, revision.Revision, [.. revision.Events.Select(static one => (one.IsDelete, one.Kv))]);
            }
        }

        _readBy[member] = view.Revision;
    }

    /// <summary>Somebody tells what a revision was; new ones come without a gap.</summary>
    public void Add(object member, long revision, IReadOnlyList<(bool IsDelete, KeyValue Kv)> changes)
    {
        if (revision > Last + 1)
        {
            position.Fail(Name, $"{member} tells of revision {revision}; nobody told of {Last + 1} before");
        }

        UInt128 fingerprint = FingerprintOf(changes);
        if (revision <= Last)
        {
            if (_fingerprints[(int)(revision - FirstRevision)] != fingerprint)
            {
                position.Fail(Name, $"revision {revision} is [{Text(changes)}] on {member}; before it was [{Text([.. At(revision).Select(static one => (one.IsDelete, one.Kv))])}]");
            }

            return;
        }

        Append(member, revision, changes, fingerprint);
    }

    private void Append(object member, long revision, IReadOnlyList<(bool IsDelete, KeyValue Kv)> changes, UInt128 fingerprint)
    {
        var events = new TrueEvent[changes.Count];
        var before = new Dictionary<ByteString, KeyValue?>();
        for (int i = 0; i < events.Length; i++)
        {
            (bool isDelete, KeyValue kv) = changes[i];
            KeyValue? current = _live.GetValueOrDefault(kv.Key);
            before.TryAdd(kv.Key, current);
            events[i] = new TrueEvent(isDelete, kv, before[kv.Key]);
            if (kv.ModRevision != revision || (isDelete ? current is null : kv.Version != (current?.Version ?? 0) + 1))
            {
                position.Fail(Name, $"revision {revision} is [{Text(changes)}] on {member}, after {current?.ToString() ?? "nothing"}");
            }

            if (!_versions.TryGetValue(kv.Key, out List<KeyValue>? versions))
            {
                _versions.Add(kv.Key, versions = []);
            }

            versions.Add(kv);
            if (isDelete)
            {
                _live.Remove(kv.Key);
            }
            else
            {
                _live[kv.Key] = kv;
            }
        }

        _revisions.Add(events);
        _fingerprints.Add(fingerprint);
        Happened?.Invoke(revision, events);
    }

    private static UInt128 FingerprintOf(IReadOnlyList<(bool IsDelete, KeyValue Kv)> changes)
    {
        var hash = default(Fingerprint);
        foreach ((bool isDelete, KeyValue kv) in changes)
        {
            hash.Add(isDelete ? 1u : 0u);
            hash.Add(kv);
        }

        return hash.Value;
    }

    private static string Text(IReadOnlyList<(bool IsDelete, KeyValue Kv)> changes) =>
        string.Join(", ", changes.Select(static one => $"{(one.IsDelete ? "delete" : "put")} {one.Kv}"));
}
