using System.Collections.Immutable;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Keyspace;

/// <summary>One change of one key. The messages are shared by all readers: never change one.</summary>
/// <param name="IsDelete">Whether the key was deleted.</param>
/// <param name="Kv">The pair as put; of a delete the key and mod_revision only.</param>
/// <param name="Previous">The pair before; null when there was none, or when it is compacted.</param>
public readonly record struct AppliedEvent(bool IsDelete, KeyValue Kv, KeyValue? Previous);

/// <summary>All changes of one revision, in the order in which they were made.</summary>
public sealed record RevisionEvents(long Revision, ImmutableArray<AppliedEvent> Events);
