using System.Collections.Immutable;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>
/// etcd's multi-version keyspace as a pure state machine: the same commands in the same order give the same state and
/// the same answers on every member. Owned by one thread; others read the <see cref="KeyspaceView"/>s that it publishes.
/// A command is checked in full before its first change, so a refused one changes nothing.
/// </summary>
public sealed partial class KeyspaceState
{
    private readonly KeyTree _tree = new();
    private readonly List<AppliedEvent> _changes = [];
    private readonly EventLog _events;
    private ImmutableDictionary<long, LeaseView> _leases = ImmutableDictionary<long, LeaseView>.Empty;
    private long _trimmed;

    /// <summary>A fresh keyspace: revision 1, nothing in it.</summary>
    public KeyspaceState()
    {
        Revision = 1;
        _events = new EventLog(first: 2);
    }

    /// <summary>The revision of the last change.</summary>
    public long Revision { get; private set; }

    /// <summary>The oldest readable revision; 0 when nothing was compacted.</summary>
    public long CompactedRevision { get; private set; }

    /// <summary>Raft index of the last applied entry.</summary>
    public ulong AppliedIndex { get; private set; }

    /// <summary>Bytes of live keys and values.</summary>
    public long LiveBytes { get; private set; }

    /// <summary>Who the members are, as of the last applied entry.</summary>
    public MemberTable Members { get; private set; } = MemberTable.Empty;

    /// <summary>All leases by id.</summary>
    internal ImmutableDictionary<long, LeaseView> Leases => _leases;

    /// <summary>Revision that the command under way reads: the next one as soon as it has changed something.</summary>
    private long ReadRevision => _changes.Count == 0 ? Revision : Revision + 1;

    /// <summary>Applies the entry's command. The result's header has only its revision.</summary>
    public CommandResult Apply(ulong index, in Command command)
    {
        AppliedIndex = index;
        // Who proposes checks too, and with the operator's limit on operations; no member's settings may decide here.
        if (RequestRules.Check(command, int.MaxValue) is { } refused)
        {
            return CommandResult.Failed(refused);
        }

        CommandResult result = command.Request switch
        {
            PutRequest put => ApplyPut(put),
            DeleteRangeRequest delete => CommandResult.Applied(Delete(delete)),
            TxnRequest txn => ApplyTxn(txn),
            CompactionRequest compaction => ApplyCompaction(compaction),
            LeaseGrantRequest grant => ApplyGrant(grant),
            LeaseRevokeRequest revoke => ApplyRevoke(revoke),
            LeaseCheckpointRequest checkpoints => ApplyCheckpoints(checkpoints),
            MemberCommand members => ApplyMembers(members, isDecided: false),
            _ => throw new StoreDataException($"entry {index} holds a {command.Kind}, which is no change of the keyspace"),
        };
        CloseRevision();
        return result;
    }

    /// <summary>
    /// Applies an entry that changes who decides. Raft follows it from the moment that it is in the log, so the
    /// configuration holds whatever becomes of the command, and the command is judged no more than must be.
    /// </summary>
    /// <param name="index">The entry's.</param>
    /// <param name="command">What comes with it; null when it only ends a change that is under way.</param>
    /// <param name="configuration">Raft's membership from here on (<see cref="MemberTable.Configuration"/>).</param>
    /// <returns>The command's result; null when there was none.</returns>
    public CommandResult? ApplyMembers(ulong index, Command? command, ReadOnlyMemory<byte> configuration)
    {
        Members = Members with { Configuration = configuration };
        Skip(index);
        return command is { Request: MemberCommand change } ? ApplyMembers(change, isDecided: true) : null;
    }

    /// <summary>Counts an entry without a command, such as a new leader's first.</summary>
    public void Skip(ulong index) => AppliedIndex = index;

    /// <summary>The state as it is now, for readers on any thread.</summary>
    public KeyspaceView Publish() => new(_tree.Publish(), _events.View, _leases)
    {
        Revision = Revision,
        CompactedRevision = CompactedRevision,
        AppliedIndex = AppliedIndex,
        LiveBytes = LiveBytes,
        Members = Members,
    };

    private void CloseRevision()
    {
        if (_changes.Count > 0)
        {
            Revision++;
            _events.Append(new RevisionEvents(Revision, [.. _changes]));
            _changes.Clear();
        }
    }

    private CommandResult ApplyPut(PutRequest put) =>
        (CheckLease(put) ?? CheckExisting(put)) is { } error
            ? CommandResult.Failed(error)
            : CommandResult.Applied(Put(put));

    private EtcdError? CheckLease(PutRequest put) =>
        put.Lease != 0 && !_leases.ContainsKey(put.Lease) ? EtcdError.LeaseNotFound : null;

    private EtcdError? CheckExisting(PutRequest put) =>
        (put.IgnoreValue || put.IgnoreLease) && _tree.Current.Get(put.Key) is not { IsLive: true }
            ? EtcdError.KeyNotFound
            : null;

    private PutResponse Put(PutRequest put)
    {
        KeyHistory? history = _tree.Current.Get(put.Key);
        KeyValue? previous = history is { IsLive: true } ? history.Latest : null;
        var kv = new KeyValue
        {
            // The key that is there already, so that a thousand versions share one.
            Key = history?.Latest.Key ?? put.Key,
            Value = put.IgnoreValue && previous is not null ? previous.Value : put.Value,
            Lease = put.IgnoreLease && previous is not null ? previous.Lease : put.Lease,
            CreateRevision = previous?.CreateRevision ?? Revision + 1,
            ModRevision = Revision + 1,
            Version = (previous?.Version ?? 0) + 1,
        };
        Attach(kv.Key, previous?.Lease ?? 0, kv.Lease);
        Record(history, kv, previous);
        return new PutResponse { Header = HeaderAt(Revision + 1), PrevKv = put.PrevKv ? previous : null };
    }

    private DeleteRangeResponse Delete(DeleteRangeRequest delete)
    {
        List<KeyHistory> doomed = LiveIn(new KeyRange(delete.Key, delete.RangeEnd));
        var response = new DeleteRangeResponse { Deleted = doomed.Count };
        foreach (KeyHistory history in doomed)
        {
            if (delete.PrevKv)
            {
                response.PrevKvs.Add(history.Latest);
            }

            Delete(history);
        }

        response.Header = HeaderAt(ReadRevision);
        return response;
    }

    private List<KeyHistory> LiveIn(KeyRange range)
    {
        var live = new List<KeyHistory>();
        if (range.IsSingle)
        {
            if (_tree.Current.Get(range.Key) is { IsLive: true } only)
            {
                live.Add(only);
            }

            return live;
        }

        KeyTreeCursor cursor = _tree.Current.Seek(range);
        while (cursor.MoveNext())
        {
            if (cursor.Current.IsLive)
            {
                live.Add(cursor.Current);
            }
        }

        return live;
    }

    private void Delete(KeyHistory history)
    {
        KeyValue previous = history.Latest;
        Attach(previous.Key, previous.Lease, 0);
        Record(history, new KeyValue { Key = previous.Key, ModRevision = Revision + 1 }, previous);
    }

    /// <summary>Every change of a key passes here.</summary>
    private void Record(KeyHistory? history, KeyValue kv, KeyValue? previous)
    {
        _tree.Set(kv.Key, history?.Append(kv) ?? new KeyHistory(kv));
        _changes.Add(new AppliedEvent(kv.Version == 0, kv, previous));
        LiveBytes += (kv.Version == 0 ? 0 : SizeOf(kv)) - (previous is null ? 0 : SizeOf(previous));
    }

    private void Attach(ByteString key, long from, long to)
    {
        if (from == to)
        {
            return;
        }

        if (from != 0 && _leases.TryGetValue(from, out LeaseView? old))
        {
            _leases = _leases.SetItem(from, old with { Keys = old.Keys.Remove(key) });
        }

        if (to != 0 && _leases.TryGetValue(to, out LeaseView? lease))
        {
            _leases = _leases.SetItem(to, lease with { Keys = lease.Keys.Add(key) });
        }
    }

    private CommandResult ApplyGrant(LeaseGrantRequest grant)
    {
        if (grant.ID == 0)
        {
            return CommandResult.Failed(EtcdError.LeaseNotFound);
        }

        if (_leases.ContainsKey(grant.ID))
        {
            return CommandResult.Failed(EtcdError.LeaseExists);
        }

        _leases = _leases.Add(grant.ID, new LeaseView(grant.ID, grant.TTL, LeaseView.NoKeys));
        return CommandResult.Applied(new LeaseGrantResponse { Header = HeaderAt(Revision), ID = grant.ID, TTL = grant.TTL });
    }

    private CommandResult ApplyRevoke(LeaseRevokeRequest revoke)
    {
        if (!_leases.TryGetValue(revoke.ID, out LeaseView? lease))
        {
            return CommandResult.Failed(EtcdError.LeaseNotFound);
        }

        _leases = _leases.Remove(revoke.ID);
        foreach (ByteString key in lease.Keys)
        {
            Delete(_tree.Current.Get(key)!);
        }

        return CommandResult.Applied(new LeaseRevokeResponse { Header = HeaderAt(ReadRevision) });
    }

    private CommandResult ApplyCheckpoints(LeaseCheckpointRequest request)
    {
        foreach (LeaseCheckpoint checkpoint in request.Checkpoints)
        {
            // A lease that ended meanwhile has nothing left to be remembered.
            if (_leases.TryGetValue(checkpoint.ID, out LeaseView? lease))
            {
                _leases = _leases.SetItem(lease.Id, lease with { RemainingTtl = Math.Max(0, checkpoint.RemainingTTL) });
            }
        }

        return CommandResult.Applied(new LeaseCheckpointResponse { Header = HeaderAt(Revision) });
    }

    private CommandResult ApplyMembers(MemberCommand command, bool isDecided)
    {
        (Members, CommandResult result) = Members.Apply(command, isDecided);
        return result;
    }

    private static ResponseHeader HeaderAt(long revision) => new() { Revision = revision };

    private static int SizeOf(KeyValue kv) => kv.Key.Length + kv.Value.Length;
}
