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

    /// <summary>
    /// What its disk held before it was damaged, while the member recovers: what it acknowledged then still counts,
    /// because it gives no vote until it has all of it again.
    /// </summary>
    public DurableLog? Lost { get; set; }

    /// <summary>Index up to which what it applied was compared with what others did.</summary>
    public ulong Applied { get; set; }

    /// <summary>The disk was lost: whoever comes back needs another id.</summary>
    public bool IsWiped { get; set; }

    /// <summary>Every vote that was ever on its disk, by term.</summary>
    public Dictionary<ulong, NodeId> Votes { get; } = [];

    /// <summary>
    /// Whether it counts among those that hold the committed entry. What it acknowledged before its disk was lost counts:
    /// it will not give a vote that contradicts it.
    /// </summary>
    public bool Holds(EntryId committed) => Disk.Holds(committed) || Lost?.Holds(committed) == true;
}
