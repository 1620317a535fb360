namespace Discovery.Raft;

/// <summary>
/// What a node wants done. The order is the whole contract:
/// <list type="number">
/// <item>send <see cref="Messages"/>;</item>
/// <item>make <see cref="Persist"/> durable, and then call <see cref="RaftNode.Persisted"/>. It may take its time: the
/// node works on, but gives nothing else to persist meanwhile. So the leader's disk works in parallel with the network;</item>
/// <item>apply <see cref="Committed"/>, then answer <see cref="Reads"/>;</item>
/// <item>call <see cref="RaftNode.Advance"/>.</item>
/// </list>
/// </summary>
public sealed record Ready
{
    /// <summary>To be sent at once; losing them is allowed.</summary>
    public required IReadOnlyList<Message> Messages { get; init; }

    /// <summary>To be made durable; null when there is nothing, or the batch before it is not durable yet.</summary>
    public PersistBatch? Persist { get; init; }

    /// <summary>To be applied, in order; durable on a majority already.</summary>
    public required IReadOnlyList<Entry> Committed { get; init; }

    /// <summary>Reads whose state is there once <see cref="Committed"/> is applied.</summary>
    public required IReadOnlyList<ReadState> Reads { get; init; }
}

/// <summary>
/// One write of the log: all of it durable, or the process ends. Votes and acknowledgements that depend on it come as
/// messages of the Ready after <see cref="RaftNode.Persisted"/>.
/// </summary>
public sealed record PersistBatch
{
    /// <summary>What to remember from now on.</summary>
    public required HardState HardState { get; init; }

    /// <summary>
    /// The log before this entry is replaced by the state that stands at it, which is durable already: a snapshot was
    /// installed. Null: the log goes on.
    /// </summary>
    public EntryId? Snapshot { get; init; }

    /// <summary>To be appended. The first may stand at or before the log's end: then what follows it is replaced.</summary>
    public required IReadOnlyList<Entry> Entries { get; init; }
}

/// <summary>
/// A read that was confirmed: any state that has applied <paramref name="Index"/> holds every write that was
/// acknowledged before the read was asked for (Raft §8).
/// </summary>
/// <param name="Context">What the asker gave to <see cref="RaftNode.TryReadIndex"/>.</param>
/// <param name="Index">The index to have applied.</param>
public readonly record struct ReadState(ulong Context, ulong Index);
