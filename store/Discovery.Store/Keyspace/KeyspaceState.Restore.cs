using System.Collections.Immutable;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Keyspace;

public sealed partial class KeyspaceState
{
    /// <summary>
    /// A keyspace that is to be filled by <see cref="RestoreFloor"/> and then <see cref="RestoreRevision"/>. It stands
    /// one revision below the first whose changes follow.
    /// </summary>
    internal KeyspaceState(long compacted, ulong applied, ImmutableDictionary<long, LeaseView> leases, MemberTable members)
    {
        // Revision 1 is the empty keyspace; it has no changes.
        _events = new EventLog(Math.Max(2, compacted));
        Revision = _events.First - 1;
        CompactedRevision = compacted;
        AppliedIndex = applied;
        _trimmed = compacted;
        _leases = leases;
        Members = members;
    }

    /// <summary>A pair, or deletion, that stood at the oldest readable revision.</summary>
    internal void RestoreFloor(KeyValue kv)
    {
        _tree.Set(kv.Key, new KeyHistory(kv));
        Attach(kv.Key, 0, kv.Lease);
        LiveBytes += kv.Version == 0 ? 0 : SizeOf(kv);
    }

    /// <summary>The changes of the next revision, in order.</summary>
    internal void RestoreRevision(KeyValue[] changes)
    {
        if (Revision + 1 == CompactedRevision)
        {
            // What these changes led to is in the floor already; what they replaced is compacted.
            foreach (KeyValue kv in changes)
            {
                _changes.Add(new AppliedEvent(kv.Version == 0, kv, null));
            }
        }
        else
        {
            foreach (KeyValue kv in changes)
            {
                RestoreChange(kv);
            }
        }

        CloseRevision();
    }

    private void RestoreChange(KeyValue kv)
    {
        KeyHistory? history = _tree.Current.Get(kv.Key);
        KeyValue? previous = history is { IsLive: true } ? history.Latest : null;
        kv.Key = history?.Latest.Key ?? kv.Key;
        Attach(kv.Key, previous?.Lease ?? 0, kv.Lease);
        Record(history, kv, previous);
    }
}
