namespace Discovery.Raft;

/// <summary>What a node is told at its start.</summary>
public sealed record RaftSettings
{
    /// <summary>This member.</summary>
    public required NodeId Id { get; init; }

    /// <summary>
    /// What the node's random numbers come from: elections are spread by chance, so that candidates do not split the
    /// votes for ever (Raft §5.2). The same seed and the same calls give the same answers.
    /// </summary>
    public required int Seed { get; init; }

    /// <summary>Ticks between a leader's heartbeats. At least 1; default 1.</summary>
    public int HeartbeatTicks { get; init; } = 1;

    /// <summary>
    /// Ticks without a leader before a follower stands for election; each time up to twice as many, by chance. Above
    /// <see cref="HeartbeatTicks"/>; default 10.
    /// </summary>
    public int ElectionTicks { get; init; } = 10;

    /// <summary>Bytes of payload in one <see cref="Ready"/>; one entry may exceed it. Default 4 MiB.</summary>
    public int BatchBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Bytes of payload in one message; one entry may exceed it. Default 1 MiB.</summary>
    public int MessageBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Messages with entries on their way to one follower, unanswered. Default 256 (etcd: MaxInflightMsgs 512).</summary>
    public int InflightMax { get; init; } = 256;

    /// <summary>Bytes of payload on their way to one follower, unanswered. Default 16 MiB.</summary>
    public long InflightBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>Bytes of payload that may wait uncommitted before proposals are refused. Default 64 MiB.</summary>
    public long UncommittedBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Reads that may wait for the leader to be confirmed. Default 10,000.</summary>
    public int ReadsMax { get; init; } = 10_000;
}

/// <summary>What a node remembers of its life before a restart.</summary>
/// <param name="HardState">The last one that was persisted.</param>
/// <param name="Snapshot">The entry that the state machine stands at; default when it is empty.</param>
/// <param name="Membership">The members as of <paramref name="Snapshot"/>; later ones are in the entries.</param>
/// <param name="Entries">The persisted entries after the snapshot, without a gap.</param>
public sealed record RestoredState(
    HardState HardState, EntryId Snapshot, Membership Membership, IReadOnlyList<Entry> Entries)
{
    /// <summary>A node that never ran and knows nobody: it waits for a leader to tell it more.</summary>
    public static readonly RestoredState Fresh = new(default, default, Membership.None, []);

    /// <summary>The term of a member that was formed and has promised nothing yet: elections begin with the next.</summary>
    public const ulong FormationTerm = 1;

    /// <summary>
    /// A member of a cluster that is formed: all of them begin with the same first entry, committed, so that the members
    /// are in the log like everything else.
    /// </summary>
    public static RestoredState Formed(Membership membership) => new(
        new HardState(FormationTerm, null, 1),
        default,
        Membership.None,
        [new Entry(new EntryId(FormationTerm, 1), EntryKind.Membership, membership.Encode())]);
}
