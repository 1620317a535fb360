using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>What <see cref="RaftInvariants"/> knows of one member.</summary>
internal sealed class MemberTrace(NodeId id)
{
    public NodeId Id => id;

    /// <summary>What its disk holds.</summary>
    public DurableLog Disk { get; set; } = new();

    /// <summary>What is being written: after a crash it is on the disk or not, whole.</summary>
    public PersistBatch? Writing { get; set; }

    /// <summary>What it said of itself last; null since its start.</summary>
    public RaftStatus? Status { get; set; }

    /// <summary>The index its state machine stands at.</summary>
    public ulong Applied { get; set; }

    /// <summary>The disk was lost: whoever comes back needs another id.</summary>
    public bool IsWiped { get; set; }

    /// <summary>Every vote that was ever on its disk, by term.</summary>
    public Dictionary<ulong, NodeId> Votes { get; } = [];

    /// <summary>What it took as committed since it was observed last, with whose disks held it then.</summary>
    public List<(EntryId Id, List<NodeId> Holders)> Unproven { get; } = [];

    /// <summary>Whether its disk counts towards a majority.</summary>
    public bool Counts => !IsWiped && !Disk.HardState.IsRecovering;
}
