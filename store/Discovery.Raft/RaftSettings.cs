using System.Collections.Immutable;

namespace Discovery.Raft;

/// <summary>What a node is told at its start.</summary>
public sealed record RaftSettings
{
    /// <summary>This member.</summary>
    public required NodeId Id { get; init; }

    /// <summary>The members whose majority decides, this one among them.</summary>
    public required ImmutableArray<NodeId> Voters { get; init; }

    /// <summary>Ticks without a leader before a follower stands for election. At least 2; default 10.</summary>
    public int ElectionTicks { get; init; } = 10;

    /// <summary>Bytes of payload in one <see cref="Ready"/>; one entry may exceed it. Default 4 MiB.</summary>
    public int BatchBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Bytes of payload that may wait uncommitted before proposals are refused. Default 64 MiB.</summary>
    public long UncommittedBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Reads that may wait for the leader to be confirmed. Default 10,000.</summary>
    public int ReadsMax { get; init; } = 10_000;
}

/// <summary>What a node remembers of its life before a restart.</summary>
/// <param name="HardState">The last one that was persisted.</param>
/// <param name="Snapshot">The entry that the state machine stands at; default when it is empty.</param>
/// <param name="Entries">The persisted entries after the snapshot, without a gap.</param>
public sealed record RestoredState(HardState HardState, EntryId Snapshot, IReadOnlyList<Entry> Entries)
{
    /// <summary>A node that never ran.</summary>
    public static readonly RestoredState Fresh = new(default, default, []);
}
