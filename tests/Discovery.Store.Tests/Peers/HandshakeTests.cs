using Discovery.Raft;
using Discovery.Store.Peers;

namespace Discovery.Store.Tests.Peers;

/// <summary>Who may speak with whom, and the bytes of greetings.</summary>
public sealed class HandshakeTests
{
    private static readonly PeerIdentity Dialer = new(0xc1, new NodeId(1), ["http://10.0.0.1:2380", "http://[::1]:2380"], 0x99);
    private static readonly PeerIdentity Acceptor = new(0xc1, new NodeId(2), ["http://10.0.0.2:2380"], 0x99) { FeatureLevel = 7 };
    private static readonly Hello Good = new(1, 1, Dialer, Acceptor.Member, IsOffer: false);

    [Fact]
    public void Members_of_one_cluster_accept_each_other() => Assert.Equal(new Accepted(1, 0xc1, new NodeId(2), 7), Judge(Good));

    [Fact]
    public void Newer_member_that_still_speaks_our_version_is_accepted() =>
        Assert.Equal(1, Assert.IsType<Accepted>(Judge(Good with { VersionMax = 9 })).Version);

    [Theory]
    [InlineData(2, 3)]
    [InlineData(0, 0)]
    [InlineData(3, 2)]
    public void Versions_without_a_common_one_are_refused(int min, int max) =>
        AssertRefused(RefusalCode.UnsupportedVersion, $"found peer protocol versions {min} to {max}, wanted 1", Good with { VersionMin = min, VersionMax = max });

    [Fact]
    public void Foreign_cluster_is_refused_also_when_its_member_ids_are_ours() =>
        AssertRefused(RefusalCode.ForeignCluster, "found cluster 00000000000000c2, wanted 00000000000000c1", Good with { From = Dialer with { ClusterId = 0xc2 } });

    /// <summary>A stranger must not learn that it was removed from a cluster which is not its own: it would end.</summary>
    [Fact]
    public void Only_members_of_our_cluster_are_told_that_they_were_removed()
    {
        var handlers = new PeerHandlers { Received = static _ => { }, IsRemoved = static id => id.Value == 1 };

        Assert.Equal(RefusalCode.Removed, Assert.IsType<Refused>(HandshakeRules.Judge(Acceptor, Good, handlers)).Code);
        Assert.Equal(RefusalCode.ForeignCluster, Assert.IsType<Refused>(HandshakeRules.Judge(Acceptor with { ClusterId = 0xc2 }, Good, handlers)).Code);
    }

    /// <summary>Its id is computed from flags, so it comes back under the id that it had when its data was deleted.</summary>
    [Fact]
    public void Member_that_is_known_and_says_that_it_is_new_is_refused()
    {
        var handlers = new PeerHandlers { Received = static _ => { }, HasStarted = static id => id.Value == 1, IsUntouched = static () => true };

        Refused refused = Assert.IsType<Refused>(HandshakeRules.Judge(Acceptor, Good with { IsForming = true }, handlers));
        Assert.Equal(RefusalCode.Forgetful, refused.Code);
        Assert.Contains("member 0000000000000001 has already been bootstrapped", refused.Text, StringComparison.Ordinal);

        Assert.True(Assert.IsType<Accepted>(HandshakeRules.Judge(Acceptor, Good, handlers)).IsUntouched);
        Hello other = Good with { IsForming = true, From = Dialer with { Member = new NodeId(3) } };
        Assert.True(Assert.IsType<Accepted>(HandshakeRules.Judge(Acceptor, other, handlers)).IsUntouched);
    }

    [Fact]
    public void Who_dialed_another_member_or_itself_is_refused()
    {
        AssertRefused(RefusalCode.WrongMember, "member 0000000000000002 is at this URL, wanted 0000000000000003", Good with { Wanted = new NodeId(3) });
        AssertRefused(RefusalCode.WrongMember, "member 0000000000000002 is at this URL", Good with { From = Acceptor });
    }

    [Fact]
    public void Node_without_a_cluster_refuses_members_and_takes_an_offer()
    {
        AdoptionOffer? offered = null;
        var handlers = new PeerHandlers
        {
            Received = static _ => { },
            Adopt = offer =>
            {
                offered = offer;
                return offer.Member.Value == 2 ? null : "no";
            },
        };
        PeerIdentity nobody = Acceptor with { ClusterId = 0, Member = new NodeId(77) };

        Assert.Equal(RefusalCode.NotMember, Assert.IsType<Refused>(HandshakeRules.Judge(nobody, Good, handlers)).Code);
        Assert.Null(offered);
        Hello offer = Good with { IsOffer = true };
        Assert.Equal(RefusalCode.OfferTaken, Assert.IsType<Refused>(HandshakeRules.Judge(nobody, offer, handlers)).Code);
        Assert.Equal(new AdoptionOffer(0xc1, new NodeId(2), new NodeId(1), Dialer.PeerUrls), offered);
        Assert.Equal(new Refused(RefusalCode.OfferDeclined, "no"), HandshakeRules.Judge(nobody, offer with { Wanted = new NodeId(3) }, handlers));
    }

    [Fact]
    public void Offer_with_another_token_never_reaches_the_store() =>
        AssertRefused(RefusalCode.OfferDeclined, "another --initial-cluster-token", Good with { IsOffer = true, From = Dialer with { ClusterId = 0xc2, TokenHash = 1 } });

    /// <summary>Who is added is told the members, not the token (etcd prints none).</summary>
    [Fact]
    public void Token_does_not_matter_to_who_was_told_to_join_the_cluster_that_offers()
    {
        var handlers = new PeerHandlers
        {
            Received = static _ => { },
            IsAwaited = static urls => urls.Contains("http://10.0.0.1:2380"),
            Adopt = static _ => null,
        };
        PeerIdentity nobody = Acceptor with { ClusterId = 0 };
        Hello offer = Good with { IsOffer = true, From = Dialer with { TokenHash = 1 } };

        Assert.Equal(RefusalCode.OfferTaken, Assert.IsType<Refused>(HandshakeRules.Judge(nobody, offer, handlers)).Code);
        Hello other = offer with { From = offer.From with { PeerUrls = ["http://10.0.0.3:2380"] } };
        Assert.Equal(RefusalCode.OfferDeclined, Assert.IsType<Refused>(HandshakeRules.Judge(nobody, other, handlers)).Code);
    }

    /// <summary>The leader keeps offering until it sees the member in its cluster; who is it already is simply greeted.</summary>
    [Fact]
    public void Offer_to_who_is_that_member_already_is_a_greeting() => Assert.IsType<Accepted>(Judge(Good with { IsOffer = true, From = Dialer with { TokenHash = 1 } }));

    [Fact]
    public void Dialer_does_not_speak_with_who_accepts_as_somebody_else()
    {
        Assert.Null(HandshakeRules.Objection(Dialer, Acceptor.Member, new Accepted(1, 0xc1, Acceptor.Member, 1)));
        Assert.Contains("version 2", HandshakeRules.Objection(Dialer, Acceptor.Member, new Accepted(2, 0xc1, Acceptor.Member, 1)), StringComparison.Ordinal);
        Assert.Contains("0003", HandshakeRules.Objection(Dialer, Acceptor.Member, new Accepted(1, 0xc1, new NodeId(3), 1)), StringComparison.Ordinal);
        Assert.Contains("c2", HandshakeRules.Objection(Dialer, Acceptor.Member, new Accepted(1, 0xc2, Acceptor.Member, 1)), StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_of_greetings_do_not_change()
    {
        const string Hello = "44534356504545525500000001000000023692350100010001000000c100000000000000010000000000000002000000000000009900000000000000010002001400"
            + "687474703a2f2f31302e302e302e313a323338301100687474703a2f2f5b3a3a315d3a32333830";
        const string Accepted = "44534356504545521800000002000000be1404f30100000001000000c1000000000000000200000000000000";
        const string Refused = "44534356504545520800000003000000b69bc5de03000400676f6e65";
        Hello hello = Good with { IsOffer = true };

        Assert.Equal(Hello, Hex(HandshakeCodec.Encode(hello)));
        Assert.Equal(Accepted, Hex(HandshakeCodec.Encode(new Accepted(1, 0xc1, new NodeId(2), 1))));
        Assert.Equal(Refused, Hex(HandshakeCodec.Encode(new Refused(RefusalCode.Removed, "gone"))));
        Hello read = HandshakeCodec.DecodeHello(FrameKind.Hello, Payload(Hello));
        Assert.Equal(Dialer.PeerUrls.ToArray(), read.From.PeerUrls.ToArray());
        Assert.Equal(hello, read with { From = read.From with { PeerUrls = Dialer.PeerUrls } });
        Assert.Equal(new Accepted(1, 0xc1, new NodeId(2), 1), HandshakeCodec.DecodeAnswer(FrameKind.Accepted, Payload(Accepted)));
        AssertSurvives(hello with { IsForming = true });
        AssertSurvives(hello with { IsForming = true, IsOffer = false });
        Accepted untouched = new(1, 0xc1, new NodeId(2), 1) { IsUntouched = true };
        Assert.Equal(untouched, HandshakeCodec.DecodeAnswer(FrameKind.Accepted, HandshakeCodec.Encode(untouched).AsSpan(20)));
        Assert.Equal(new Refused(RefusalCode.Removed, "gone"), HandshakeCodec.DecodeAnswer(FrameKind.Refused, Payload(Refused)));
    }

    [Fact]
    public void What_a_later_version_adds_to_a_greeting_is_left_out() =>
        Assert.Equal(9, HandshakeCodec.DecodeHello(FrameKind.Hello, [.. HandshakeCodec.Encode(Good with { VersionMax = 9 }).Skip(20), 1, 2, 3]).VersionMax);

    [Fact]
    public void Text_of_a_refusal_stays_in_its_line_of_the_log() =>
        Assert.Equal("a?b", ((Refused)HandshakeCodec.DecodeAnswer(FrameKind.Refused, HandshakeCodec.Encode(new Refused(RefusalCode.Removed, "a\nb")).AsSpan(20))).Text);

    private static void AssertSurvives(Hello hello)
    {
        Hello read = HandshakeCodec.DecodeHello(FrameKind.Hello, HandshakeCodec.Encode(hello).AsSpan(20));
        Assert.Equal((hello.IsForming, hello.IsOffer), (read.IsForming, read.IsOffer));
    }

    private static HelloAnswer Judge(Hello hello) => HandshakeRules.Judge(Acceptor, hello, new PeerHandlers { Received = static _ => { } });

    private static void AssertRefused(RefusalCode code, string text, Hello hello)
    {
        Refused refused = Assert.IsType<Refused>(Judge(hello));
        Assert.Equal(code, refused.Code);
        Assert.Contains(text, refused.Text, StringComparison.Ordinal);
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private static byte[] Payload(string frame) => Convert.FromHexString(frame)[20..];
}
