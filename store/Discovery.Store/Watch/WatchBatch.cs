using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Watch;

/// <summary>Makes one answer out of history; pure.</summary>
internal static class WatchBatch
{
    /// <summary>
    /// The events for a watcher from a revision on, as far as one answer holds them; a revision is taken whole or not
    /// at all.
    /// </summary>
    /// <param name="view">What to read.</param>
    /// <param name="watcher">For whom.</param>
    /// <param name="from">The first revision to look at; kept and not in the future.</param>
    /// <param name="next">The first revision that was not looked at.</param>
    public static WatchResponse Read(KeyspaceView view, Watcher watcher, long from, out long next)
    {
        var response = new WatchResponse { WatchId = watcher.Id };
        int bytes = 0;
        int revisions = 0;
        next = from;
        foreach (RevisionEvents revision in view.HeldEventsFrom(from))
        {
            if (revisions >= WatchLimits.RevisionsPerResponse
                || bytes >= WatchLimits.BytesPerResponse
                || revision.Revision - from >= WatchLimits.RevisionsPerTurn)
            {
                return response;
            }

            int before = response.Events.Count;
            foreach (AppliedEvent happened in revision.Events)
            {
                if (watcher.Range.Contains(happened.Kv.Key) && watcher.Wants(happened))
                {
                    response.Events.Add(EventOf(happened, revision, watcher.WantsPrevious));
                    bytes += happened.Kv.Key.Length + happened.Kv.Value.Length;
                }
            }

            revisions += response.Events.Count > before ? 1 : 0;
            next = revision.Revision + 1;
        }

        next = view.Revision + 1;
        return response;
    }

    /// <summary>
    /// Splits an answer so that each part stays below the size where it can; all but the last say that more follows.
    /// </summary>
    public static IEnumerable<WatchResponse> Split(WatchResponse response, int maxBytes)
    {
        if (response.Events.Count < 2 || response.CalculateSize() < maxBytes)
        {
            yield return response;
            yield break;
        }

        var empty = new WatchResponse { Header = response.Header, WatchId = response.WatchId, Fragment = true };
        int emptyBytes = empty.CalculateSize();
        WatchResponse part = empty.Clone();
        int bytes = emptyBytes;
        foreach (Event one in response.Events)
        {
            // Tag and length of the event beside its own bytes: at most six.
            int size = one.CalculateSize() + 6;
            if (part.Events.Count > 0 && bytes + size >= maxBytes)
            {
                yield return part;
                part = empty.Clone();
                bytes = emptyBytes;
            }

            part.Events.Add(one);
            bytes += size;
        }

        part.Fragment = false;
        yield return part;
    }

    private static Event EventOf(in AppliedEvent happened, RevisionEvents revision, bool withPrevious)
    {
        var one = new Event { Type = happened.IsDelete ? Event.Types.EventType.Delete : Event.Types.EventType.Put, Kv = happened.Kv };
        if (withPrevious && PreviousOf(happened, revision) is { } previous)
        {
            one.PrevKv = previous;
        }

        return one;
    }

    /// <summary>
    /// The pair as it was before the revision. When one transaction puts a key and deletes it again, that is not what
    /// the delete found but what the put did.
    /// </summary>
    private static KeyValue? PreviousOf(in AppliedEvent happened, RevisionEvents revision)
    {
        if (happened.Previous is not { } found || found.ModRevision < revision.Revision)
        {
            return happened.Previous;
        }

        foreach (AppliedEvent earlier in revision.Events)
        {
            if (earlier.Kv.Key.Equals(found.Key))
            {
                return earlier.Previous;
            }
        }

        return null;
    }
}
