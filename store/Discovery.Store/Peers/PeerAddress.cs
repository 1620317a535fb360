using System.Collections.Immutable;
using Discovery.Raft;

namespace Discovery.Store.Peers;

/// <summary>Where a peer is dialed.</summary>
/// <param name="Id">The member that is to be found there.</param>
/// <param name="Urls">Its peer URLs, tried in turn; names are resolved at each attempt.</param>
internal sealed record PeerAddress(NodeId Id, ImmutableArray<string> Urls)
{
    /// <summary>
    /// It may not know yet that it is a member: what is found there is offered to become <see cref="Id"/> of our
    /// cluster (<see cref="AdoptionOffer"/>). Only the leader says so.
    /// </summary>
    public bool IsPending { get; init; }

    /// <inheritdoc/>
    public bool Equals(PeerAddress? other) =>
        other is not null && Id == other.Id && IsPending == other.IsPending && Urls.AsSpan().SequenceEqual(other.Urls.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => Id.GetHashCode();
}

/// <summary>A leader asks a node without data to become a member of its cluster.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="Member">What the node's id is to be.</param>
/// <param name="From">The leader.</param>
/// <param name="FromUrls">Where the leader is dialed.</param>
internal sealed record AdoptionOffer(ulong ClusterId, NodeId Member, NodeId From, ImmutableArray<string> FromUrls);
