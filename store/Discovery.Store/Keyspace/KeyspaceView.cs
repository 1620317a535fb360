using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Keyspace;

/// <summary>
/// The keyspace after some applied entry. Immutable: readable from any thread, for as long as it is held, without a
/// lock; a new one takes its place after each applied batch.
/// </summary>
public sealed class KeyspaceView
{
    private readonly KeyTreeView _tree;
    private readonly EventLogView _events;
    private readonly ImmutableDictionary<long, LeaseView> _leases;

    internal KeyspaceView(KeyTreeView tree, EventLogView events, ImmutableDictionary<long, LeaseView> leases)
    {
        _tree = tree;
        _events = events;
        _leases = leases;
    }

    /// <summary>The revision of the last change; 1 when there was none.</summary>
    public required long Revision { get; init; }

    /// <summary>The oldest readable revision; 0 when nothing was compacted.</summary>
    public required long CompactedRevision { get; init; }

    /// <summary>Raft index of the last applied entry.</summary>
    public required ulong AppliedIndex { get; init; }

    /// <summary>Bytes of live keys and values.</summary>
    public required long LiveBytes { get; init; }

    /// <summary>Who the members are.</summary>
    public required MemberTable Members { get; init; }

    /// <summary>Ids of all leases, in no order.</summary>
    public IEnumerable<long> LeaseIds => _leases.Keys;

    internal KeyTreeView Tree => _tree;

    internal ImmutableDictionary<long, LeaseView> Leases => _leases;

    /// <summary>Answers etcd's range; the header has only its revision, which is the current one.</summary>
    /// <exception cref="EtcdApi.Grpc.GrpcException">The request is wrong, or its revision compacted or in the future.</exception>
    public RangeResponse Range(RangeRequest request)
    {
        EtcdError? error = RequestRules.Check(request) ?? CheckRevision(request.Revision);
        return error is null ? RangeReader.Read(_tree, request, Revision) : throw error.ToException();
    }

    /// <summary>All changes from the revision to <see cref="Revision"/>, ascending.</summary>
    /// <exception cref="EtcdApi.Grpc.GrpcException">The revision is below the kept history.</exception>
    public IEnumerable<RevisionEvents> EventsFrom(long revision) =>
        revision < CompactedRevision ? throw EtcdError.Compacted.ToException() : KeptEvents(revision);

    /// <summary>
    /// The oldest revision whose changes are still held: a compaction frees them later than it hides them. A watch that
    /// is a moment late reads on from here; one that asks for the past does not.
    /// </summary>
    internal long OldestHeldRevision => Math.Min(_events.First, Math.Max(CompactedRevision, 1));

    /// <summary>As <see cref="EventsFrom"/>, down to <see cref="OldestHeldRevision"/>.</summary>
    internal IEnumerable<RevisionEvents> HeldEventsFrom(long revision) =>
        revision < OldestHeldRevision ? throw EtcdError.Compacted.ToException() : KeptEvents(revision);

    /// <summary>The lease, if it is granted and not revoked.</summary>
    public bool TryGetLease(long id, [NotNullWhen(true)] out LeaseView? lease) => _leases.TryGetValue(id, out lease);

    internal EtcdError? CheckRevision(long revision) =>
        revision > Revision ? EtcdError.FutureRevision
        : revision > 0 && revision < CompactedRevision ? EtcdError.Compacted
        : null;

    private IEnumerable<RevisionEvents> KeptEvents(long revision)
    {
        foreach (RevisionEvents events in _events.From(revision))
        {
#if MUTANTS
            if (StoreMutant.DeletionDroppedAtCompaction.IsPlanted() && events.Revision == CompactedRevision)
            {
                yield return events with { Events = [.. events.Events.Where(static one => !one.IsDelete)] };
                continue;
            }
#endif
            // What stood before the oldest readable revision is compacted, whether its memory is freed yet or not.
            yield return events.Revision > CompactedRevision
                ? events
                : events with { Events = [.. events.Events.Select(e => e with { Previous = null })] };
        }
    }
}
