using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Keyspace;

/// <summary>Answers a range from a tree, with all of etcd's options (etcd: etcdserver/txn/range.go).</summary>
internal static class RangeReader
{
    /// <param name="tree">The keys.</param>
    /// <param name="request">What is asked; its stateless rules are checked.</param>
    /// <param name="current">The revision that the tree is at, which the answer's header says.</param>
    public static RangeResponse Read(KeyTreeView tree, RangeRequest request, long current)
    {
        var range = new KeyRange(request.Key, request.RangeEnd);
        long revision = request.Revision <= 0 ? current : request.Revision;
        var response = new RangeResponse { Header = new ResponseHeader { Revision = current } };
        if (request.CountOnly)
        {
            response.Count = revision == current ? tree.CountLive(range) : Collect(tree, range, revision, 0, null);
            return response;
        }

        bool filtered = request.MinModRevision != 0 || request.MaxModRevision != 0
            || request.MinCreateRevision != 0 || request.MaxCreateRevision != 0;
        bool cutLate = filtered || request.SortOrder != RangeRequest.Types.SortOrder.None;
        // One more than asked for tells whether there is more.
        long fetch = cutLate || request.Limit <= 0 ? long.MaxValue : request.Limit + 1;
        var found = new List<KeyValue>();
        if (revision == current && fetch != long.MaxValue)
        {
            // Counted by the tree: a page of a large range must not cost the whole range.
            Collect(tree, range, revision, fetch, found);
            response.Count = tree.CountLive(range);
        }
        else
        {
            response.Count = Collect(tree, range, revision, long.MaxValue, found, fetch);
        }

        if (filtered)
        {
            found.RemoveAll(kv => !InFilters(request, kv));
        }

        Sort(found, request);
        int take = found.Count;
        if (request.Limit > 0 && found.Count > request.Limit)
        {
            take = (int)request.Limit;
            response.More = true;
        }

        for (int i = 0; i < take; i++)
        {
            response.Kvs.Add(request.KeysOnly ? WithoutValue(found[i]) : found[i]);
        }

        return response;
    }

    /// <summary>Counts live pairs, stopping at <paramref name="stop"/> when it is above zero, and keeps the first ones.</summary>
    private static long Collect(
        KeyTreeView tree, KeyRange range, long revision, long stop, List<KeyValue>? into, long keep = long.MaxValue)
    {
        if (range.IsSingle)
        {
            KeyValue? only = tree.Get(range.Key)?.LiveAt(revision);
            if (only is not null)
            {
                into?.Add(only);
            }

            return only is null ? 0 : 1;
        }

        long count = 0;
        KeyTreeCursor cursor = tree.Seek(range);
        while ((stop == 0 || count < stop) && cursor.MoveNext())
        {
            if (cursor.Current.LiveAt(revision) is { } kv)
            {
                if (count++ < keep)
                {
                    into?.Add(kv);
                }
            }
        }

        return count;
    }

    private static bool InFilters(RangeRequest request, KeyValue kv) =>
        (request.MaxModRevision == 0 || kv.ModRevision <= request.MaxModRevision)
        && (request.MinModRevision == 0 || kv.ModRevision >= request.MinModRevision)
        && (request.MaxCreateRevision == 0 || kv.CreateRevision <= request.MaxCreateRevision)
        && (request.MinCreateRevision == 0 || kv.CreateRevision >= request.MinCreateRevision);

    private static void Sort(List<KeyValue> found, RangeRequest request)
    {
        bool descending = request.SortOrder == RangeRequest.Types.SortOrder.Descend;
        if (request.SortTarget == RangeRequest.Types.SortTarget.Key)
        {
            if (descending)
            {
                found.Reverse();
            }

            return;
        }

        found.Sort((left, right) =>
        {
            int order = request.SortTarget switch
            {
                RangeRequest.Types.SortTarget.Version => left.Version.CompareTo(right.Version),
                RangeRequest.Types.SortTarget.Create => left.CreateRevision.CompareTo(right.CreateRevision),
                RangeRequest.Types.SortTarget.Mod => left.ModRevision.CompareTo(right.ModRevision),
                _ => KeyRange.Compare(left.Value, right.Value),
            };
            order = descending ? -order : order;
            // etcd leaves ties to its sort; in key order they are at least the same on every member.
            return order != 0 ? order : KeyRange.Compare(left.Key, right.Key);
        });
    }

    private static KeyValue WithoutValue(KeyValue kv) => new()
    {
        Key = kv.Key,
        CreateRevision = kv.CreateRevision,
        ModRevision = kv.ModRevision,
        Version = kv.Version,
        Lease = kv.Lease,
    };
}
