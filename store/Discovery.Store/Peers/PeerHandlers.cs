using Discovery.Raft;
using Discovery.Store.Consensus;

namespace Discovery.Store.Peers;

/// <summary>What the network tells its owner, from threads of its own: each must be safe to call from any, at once.</summary>
internal sealed record PeerHandlers
{
    /// <summary>A message came. It may block: then its sender waits. Messages of one connection come in order.</summary>
    public required Action<PeerMessage> Received { get; init; }

    /// <summary>
    /// Messages to a peer may have been lost. Also called from within <see cref="PeerNetwork.Send"/>; it must not block.
    /// </summary>
    public Action<NodeId, PeerTrouble> Unreachable { get; init; } = static (_, _) => { };

    /// <summary>A member of our cluster says that this member was removed: the process must end with the line that is given. Said at each dial.</summary>
    public Action<string> RefusedAsRemoved { get; init; } = static _ => { };

    /// <summary>Whether the id was a member and is none any more. It must neither block nor call the network.</summary>
    public Func<NodeId, bool> IsRemoved { get; init; } = static _ => false;

    /// <summary>
    /// Somebody with our cluster token offers membership to this node, which is not in its cluster. Null: it is taken, and this
    /// node will be ready as that member when it is dialed again; else why not. Within <see cref="PeerLimits.HandshakeTime"/>.
    /// </summary>
    public Func<AdoptionOffer, string?> Adopt { get; init; } = static _ => "this node has data or a cluster of its own";
}
