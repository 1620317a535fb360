namespace Discovery.Raft;

/// <summary>What one member tells another.</summary>
public enum MessageKind : byte
{
    /// <summary>Entries to append, or none: a heartbeat (Raft §5.3).</summary>
    Append = 1,

    /// <summary>How far the sender's log agrees with the leader's, durably.</summary>
    AppendResponse = 2,

    /// <summary>A candidate asks for a vote (Raft §5.2).</summary>
    VoteRequest = 3,

    /// <summary>The vote, or its refusal.</summary>
    VoteResponse = 4,
}

/// <summary>A message between members; plain values, made bytes elsewhere.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="From">The sender.</param>
/// <param name="To">The receiver.</param>
/// <param name="Term">The sender's term.</param>
public readonly record struct Message(MessageKind Kind, NodeId From, NodeId To, ulong Term)
{
    /// <summary>Append: the entry before <see cref="Entries"/>. Votes: the candidate's last entry. Response: the last agreed entry.</summary>
    public EntryId Log { get; init; }

    /// <summary>Append: the leader's commit index.</summary>
    public ulong Commit { get; init; }

    /// <summary>Responses: yes or no.</summary>
    public bool Accepted { get; init; }

    /// <summary>Append: what follows <see cref="Log"/>.</summary>
    public ReadOnlyMemory<Entry> Entries { get; init; }
}
