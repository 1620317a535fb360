using Discovery.Raft;
using Discovery.Store.Consensus;

namespace Discovery.Store.Peers;

/// <summary>The dialer's greeting.</summary>
/// <param name="VersionMin">The oldest form of frames that it speaks.</param>
/// <param name="VersionMax">The newest.</param>
/// <param name="From">Who it is.</param>
/// <param name="Wanted">Which member it dialed.</param>
/// <param name="IsOffer">What is not that member yet is offered to become it.</param>
internal sealed record Hello(int VersionMin, int VersionMax, PeerIdentity From, NodeId Wanted, bool IsOffer)
{
    /// <summary>It formed its data from its flags and asks whether anybody knows it from before (<see cref="Formation"/>).</summary>
    public bool IsForming { get; init; }
}

/// <summary>What the acceptor says to a greeting.</summary>
internal abstract record HelloAnswer;

/// <summary>Messages may follow.</summary>
/// <param name="Version">The form of frames to be used.</param>
/// <param name="ClusterId">The acceptor's.</param>
/// <param name="Member">The acceptor's.</param>
/// <param name="FeatureLevel">The acceptor's.</param>
internal sealed record Accepted(int Version, ulong ClusterId, NodeId Member, uint FeatureLevel) : HelloAnswer
{
    /// <summary>It has promised nothing to anybody yet: no vote, no acknowledgement.</summary>
    public bool IsUntouched { get; init; }
}

/// <summary>The connection is closed behind this.</summary>
internal sealed record Refused(RefusalCode Code, string Text) : HelloAnswer;

/// <summary>Why a greeting is refused. The numbers are on the wire: only ever extended.</summary>
internal enum RefusalCode : byte
{
    /// <summary>The versions have none in common.</summary>
    UnsupportedVersion = 1,

    /// <summary>The ends are of different clusters.</summary>
    ForeignCluster = 2,

    /// <summary>The dialer was a member and is none any more.</summary>
    Removed = 3,

    /// <summary>Another member was dialed than the one that lives here.</summary>
    WrongMember = 4,

    /// <summary>The acceptor is in no cluster yet.</summary>
    NotMember = 5,

    /// <summary>The acceptor will not become what it was offered.</summary>
    OfferDeclined = 6,

    /// <summary>The acceptor becomes what it was offered; dial again.</summary>
    OfferTaken = 7,

    /// <summary>The dialer sent what is no message: said at the end of an open connection.</summary>
    Malformed = 8,

    /// <summary>The dialer says that it is new, and is known from before: its data is gone, and its promises with it.</summary>
    Forgetful = 9,
}

/// <summary>Judges greetings.</summary>
internal static class HandshakeRules
{
    /// <summary>The form of frames that this program speaks, and the oldest.</summary>
    public const int Version = 1;

    public static Hello Greeting(PeerIdentity own, PeerAddress peer, bool isForming) =>
        new(Version, Version, own, peer.Id, peer.IsPending) { IsForming = isForming };

    /// <summary>The acceptor's answer.</summary>
    public static HelloAnswer Judge(PeerIdentity own, Hello hello, PeerHandlers handlers)
    {
        PeerIdentity from = hello.From;
        int version = Math.Min(hello.VersionMax, Version);
        if (version < Math.Max(hello.VersionMin, Version))
        {
            return new Refused(
                RefusalCode.UnsupportedVersion,
                $"found peer protocol versions {hello.VersionMin} to {hello.VersionMax}, wanted {Version}: run versions of the program that are closer to each other");
        }

        bool isUs = from.ClusterId == own.ClusterId && hello.Wanted == own.Member;
        if (hello.IsOffer && !isUs)
        {
            return JudgeOffer(own, hello, handlers);
        }

        if (own.ClusterId == 0)
        {
            return new Refused(RefusalCode.NotMember, $"the node at this URL is in no cluster yet, so it is not member {hello.Wanted} of cluster {from.ClusterId:x16}; if it was and its data is gone: etcdctl member remove {hello.Wanted.Value:x}, then member add");
        }

        if (from.ClusterId != own.ClusterId)
        {
            return new Refused(
                RefusalCode.ForeignCluster,
                $"found cluster {from.ClusterId:x16}, wanted {own.ClusterId:x16}: one of both has a wrong peer URL, or data of another cluster");
        }

        if (handlers.IsRemoved(from.Member))
        {
            return new Refused(RefusalCode.Removed, $"member {from.Member} was removed from cluster {own.ClusterId:x16}");
        }

        if (hello.IsForming && handlers.HasStarted(from.Member))
        {
            // etcd's words, by which its users find what to do.
            return new Refused(RefusalCode.Forgetful, $"member {from.Member} has already been bootstrapped in cluster {own.ClusterId:x16}; its data, and what it voted, is gone");
        }

        return isUs && from.Member != own.Member
            ? new Accepted(version, own.ClusterId, own.Member, own.FeatureLevel) { IsUntouched = handlers.IsUntouched() }
            : new Refused(RefusalCode.WrongMember, $"member {own.Member} is at this URL, wanted {hello.Wanted} (dialed by {from.Member}): one of both has a wrong peer URL");
    }

    /// <summary>Whether an acceptance is one that the dialer can use; else why not.</summary>
    public static string? Objection(PeerIdentity own, NodeId wanted, Accepted answer) =>
        answer.Version != Version ? $"it chose peer protocol version {answer.Version}, wanted {Version}"
        : answer.ClusterId != own.ClusterId || answer.Member != wanted
            ? $"it accepted as member {answer.Member} of cluster {answer.ClusterId:x16}, wanted {wanted} of {own.ClusterId:x16}"
        : null;

    private static Refused JudgeOffer(PeerIdentity own, Hello hello, PeerHandlers handlers)
    {
        if (hello.From.TokenHash != own.TokenHash && !handlers.IsAwaited(hello.From.PeerUrls))
        {
            return new Refused(RefusalCode.OfferDeclined, "the offer comes with another --initial-cluster-token than this node's");
        }

        string? objection = handlers.Adopt(new AdoptionOffer(hello.From.ClusterId, hello.Wanted, hello.From.Member, hello.From.PeerUrls));
        return objection is null
            ? new Refused(RefusalCode.OfferTaken, $"this node becomes member {hello.Wanted} of cluster {hello.From.ClusterId:x16}")
            : new Refused(RefusalCode.OfferDeclined, objection);
    }
}
