namespace Discovery.Raft;

/// <summary>What one member tells another. The numbers are on the wire: only ever extended.</summary>
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

    /// <summary>Would you vote for me? Nobody's term changes by it (Raft thesis §9.6).</summary>
    PreVoteRequest = 5,

    /// <summary>I would, or not.</summary>
    PreVoteResponse = 6,

    /// <summary>The entries that the follower lacks are gone from the leader's log: it must fetch the state (Raft §7).</summary>
    InstallSnapshot = 7,

    /// <summary>Stand for election at once: the leader hands over (Raft thesis §3.10).</summary>
    TimeoutNow = 8,

    /// <summary>A follower asks which index a read must see applied (Raft thesis §6.4).</summary>
    ReadIndex = 9,

    /// <summary>The leader, confirmed, answers it.</summary>
    ReadIndexResponse = 10,
}

/// <summary>A message between members; plain values, made bytes elsewhere.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="From">The sender.</param>
/// <param name="To">The receiver.</param>
/// <param name="Term">The sender's term; of a pre-vote and its grant the term that the candidate would have.</param>
public readonly record struct Message(MessageKind Kind, NodeId From, NodeId To, ulong Term)
{
    /// <summary>
    /// Append: the entry before <see cref="Entries"/>; default claims nothing and fits every log. Votes: the candidate's
    /// last entry. AppendResponse: the last agreed entry, or when refused the follower's best guess at one.
    /// InstallSnapshot: the entry that the state to be fetched stands at.
    /// </summary>
    public EntryId Log { get; init; }

    /// <summary>
    /// Append: the leader's commit index. Refused AppendResponse: the index that did not fit, so that a late refusal can
    /// be told from a new one. ReadIndexResponse: the index to have applied.
    /// </summary>
    public ulong Index { get; init; }

    /// <summary>Responses: yes or no. Vote requests: the leader itself asked for this election.</summary>
    public bool Accepted { get; init; }

    /// <summary>
    /// Append and its response: the leader's round, by which it knows who has heard it since when. Reads: the asker's
    /// context.
    /// </summary>
    public ulong Context { get; init; }

    /// <summary>Append: what follows <see cref="Log"/>.</summary>
    public ReadOnlyMemory<Entry> Entries { get; init; }
}
