namespace Discovery.Raft;

/// <summary>
/// What a node wants done. The order is the whole contract:
/// <list type="number">
/// <item>send <see cref="Messages"/>; they may leave while step 2 is under way (the leader's own disk works in parallel);</item>
/// <item>persist <see cref="HardState"/> and <see cref="Entries"/> in one batch, and when <see cref="MustSync"/> make
/// them durable;</item>
/// <item>send <see cref="MessagesAfterPersist"/>: votes and acknowledgements promise what is on disk;</item>
/// <item>apply <see cref="Committed"/>, then answer <see cref="Reads"/>;</item>
/// <item>call <see cref="RaftNode.Advance"/>. Only then does the node count its own copy towards a commit.</item>
/// </list>
/// If step 2 fails the process ends: nothing of this Ready may be answered.
/// </summary>
public sealed record Ready
{
    /// <summary>To be persisted when it is not null: it changed.</summary>
    public HardState? HardState { get; init; }

    /// <summary>To be appended to the durable log.</summary>
    public required IReadOnlyList<Entry> Entries { get; init; }

    /// <summary>To be applied, in order; durable on a majority already.</summary>
    public required IReadOnlyList<Entry> Committed { get; init; }

    /// <summary>Reads whose state is there once <see cref="Committed"/> is applied.</summary>
    public required IReadOnlyList<ReadState> Reads { get; init; }

    /// <summary>To be sent at once.</summary>
    public required IReadOnlyList<Message> Messages { get; init; }

    /// <summary>To be sent when the rest is durable.</summary>
    public required IReadOnlyList<Message> MessagesAfterPersist { get; init; }

    /// <summary>Whether the caller must wait for the disk; false when only the commit index moved.</summary>
    public required bool MustSync { get; init; }
}

/// <summary>
/// A read that was confirmed: any state that has applied <paramref name="Index"/> holds every write that was
/// acknowledged before the read was asked for (Raft §8).
/// </summary>
/// <param name="Context">What the asker gave to <see cref="RaftNode.TryReadIndex"/>.</param>
/// <param name="Index">The index to have applied.</param>
public readonly record struct ReadState(ulong Context, ulong Index);
