namespace Discovery.Raft;

/// <summary>What a node is now.</summary>
public enum RaftRole
{
    /// <summary>Follows a leader, or waits for one.</summary>
    Follower,

    /// <summary>Asks whether an election could be won, without a new term (Raft thesis §9.6).</summary>
    PreCandidate,

    /// <summary>Stands for election.</summary>
    Candidate,

    /// <summary>Orders the log.</summary>
    Leader,
}

/// <summary>Where a node stands.</summary>
/// <param name="Id">The node.</param>
/// <param name="Role">What it is.</param>
/// <param name="Leader">The leader it knows.</param>
/// <param name="HardState">Term, vote, commit.</param>
/// <param name="Last">Its last entry, durable or not.</param>
/// <param name="Persisted">Index of its last durable entry.</param>
/// <param name="Applied">Index up to which the caller said it applied.</param>
/// <param name="Membership">The members, as its log has them; perhaps not committed yet.</param>
public readonly record struct RaftStatus(
    NodeId Id,
    RaftRole Role,
    NodeId? Leader,
    HardState HardState,
    EntryId Last,
    ulong Persisted,
    ulong Applied,
    Membership Membership);

/// <summary>What a leader knows of another member.</summary>
/// <param name="Id">The member.</param>
/// <param name="Match">Index up to which it holds the leader's log durably.</param>
/// <param name="IsActive">Whether it was heard of within the last election timeout, or the one before.</param>
/// <param name="NeedsSnapshot">Whether it waits for the state because its entries are gone.</param>
public readonly record struct FollowerStatus(NodeId Id, ulong Match, bool IsActive, bool NeedsSnapshot);

/// <summary>What became of an attempt to propose.</summary>
public enum ProposalOutcome
{
    /// <summary>It stands at the end of the log; committed when it comes in <see cref="Ready.Committed"/>.</summary>
    Accepted,

    /// <summary>This node does not lead.</summary>
    NotLeader,

    /// <summary>This node is about to hand over to another: wait for it. Nothing happened.</summary>
    HandingOver,

    /// <summary>Too much waits to be committed, or (a change of members) another change is under way. Nothing happened.</summary>
    Busy,
}
