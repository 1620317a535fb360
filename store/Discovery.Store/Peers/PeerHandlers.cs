using System.Collections.Immutable;
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

    /// <summary>
    /// A member of our cluster says that this member was removed (<see cref="RefusalCode.Removed"/>) or forgot what it was
    /// (<see cref="RefusalCode.Forgetful"/>): the process must end. Said at each dial.
    /// </summary>
    public Action<RefusalCode, string> Expelled { get; init; } = static (_, _) => { };

    /// <summary>A peer accepted our greeting, and was untouched itself or not (<see cref="Accepted.IsUntouched"/>).</summary>
    public Action<NodeId, bool> Answered { get; init; } = static (_, _) => { };

    /// <summary>Whether this member asks if anybody knows it from before (<see cref="Hello.IsForming"/>). It must neither block nor call the network; so must the next ones.</summary>
    public Func<bool> IsForming { get; init; } = static () => false;

    /// <summary>Whether this member has promised nothing to anybody yet.</summary>
    public Func<bool> IsUntouched { get; init; } = static () => false;

    /// <summary>Whether the member is known to have run.</summary>
    public Func<NodeId, bool> HasStarted { get; init; } = static _ => false;

    /// <summary>Whether the id was a member and is none any more.</summary>
    public Func<NodeId, bool> IsRemoved { get; init; } = static _ => false;

    /// <summary>
    /// Whether this node was told to join the cluster of the member at these URLs. Then the token that formed that cluster is
    /// of no interest: nobody tells it to who is added (etcd asks for none either).
    /// </summary>
    public Func<ImmutableArray<string>, bool> IsAwaited { get; init; } = static _ => false;

    /// <summary>
    /// Somebody with our cluster token, or who is awaited, offers membership to this node, which is not in its cluster. Null: it is taken, and this
    /// node will be ready as that member when it is dialed again; else why not. Within <see cref="PeerLimits.HandshakeTime"/>.
    /// </summary>
    public Func<AdoptionOffer, string?> Adopt { get; init; } = static _ => "this node has data or a cluster of its own";
}
