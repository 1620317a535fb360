using Discovery.Raft;
using Discovery.Store.Peers;
using Discovery.Testing;

namespace Discovery.Store.Tests.Peers;

/// <summary>Who is refused learns why, and so do both operators: one line at each end, however often it is tried.</summary>
public sealed class RefusalTests
{
    private const int Refused = 1049;
    private const int NotSpokenWith = 1044;

    [Fact]
    public async Task Foreign_cluster_is_one_line_at_both_ends()
    {
        await using TestMember dialer = TestMember.Start(1);
        await using TestMember foreign = TestMember.Start(2, setup => setup with { Cluster = 0xc2 });

        await AssertRefusedAsync(dialer, foreign, foreign.Address, "found cluster 00000000000000c1, wanted 00000000000000c2: one of both has a wrong peer URL, or data of another cluster");
    }

    [Fact]
    public async Task Wrong_member_at_a_url_is_one_line_at_both_ends()
    {
        await using TestMember dialer = TestMember.Start(1);
        await using TestMember other = TestMember.Start(2);

        await AssertRefusedAsync(dialer, other, other.Address with { Id = new NodeId(3) }, "member 0000000000000002 is at this URL, wanted 0000000000000003");
    }

    [Fact]
    public async Task Node_in_no_cluster_is_one_line_at_both_ends()
    {
        await using TestMember dialer = TestMember.Start(1);
        await using TestMember pristine = TestMember.Start(2, setup => setup with { Cluster = 0 });

        await AssertRefusedAsync(dialer, pristine, pristine.Address, "the node at this URL is in no cluster yet");
    }

    [Fact]
    public async Task Declined_offer_is_one_line_at_both_ends()
    {
        await using TestMember dialer = TestMember.Start(1);
        await using TestMember pristine = TestMember.Start(2, setup => setup with { Cluster = 0, Token = "another" });

        await AssertRefusedAsync(dialer, pristine, pristine.Address with { IsPending = true }, "the offer comes with another --initial-cluster-token than this node's");
    }

    [Fact]
    public async Task Removed_member_is_told_when_it_dials()
    {
        await using TestMember removed = TestMember.Start(1);
        await using TestMember member = TestMember.Start(2);
        member.Removed = [removed.Id];

        await AssertRefusedAsync(removed, member, member.Address, "member 0000000000000001 was removed from cluster 00000000000000c1");

        Assert.Equal($"{member.Url}: member 0000000000000001 was removed from cluster 00000000000000c1", removed.RemovedBy);
    }

    [Fact]
    public async Task Removed_member_is_told_while_it_is_connected()
    {
        await using TestMember removed = TestMember.Start(1);
        await using TestMember member = TestMember.Start(2);
        await TestMember.ConnectAsync(removed, member);

        member.Removed = [removed.Id];
        member.Network.SetPeers([member.Address]);

        await Eventually.HoldsAsync(() => removed.RemovedBy is not null, () => removed.Log);
        Assert.StartsWith($"{member.Url}: ", removed.RemovedBy, StringComparison.Ordinal);
        Assert.Empty(member.Network.Peers);
    }

    [Fact]
    public async Task Port_of_something_else_is_named()
    {
        await using TestMember dialer = TestMember.Start(1);
        using var something = new OneAnswer("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());

        dialer.Network.SetPeers([new PeerAddress(new NodeId(2), [something.Url])]);

        await Eventually.HoldsAsync(() => dialer.Log.Of(NotSpokenWith).Any(), () => dialer.Log);
        Assert.Equal($"Peer 0000000000000002 is not spoken with: {something.Url}: found HTTP, wanted a member's answer: is it the peer URL?.", Assert.Single(dialer.Log.Of(NotSpokenWith)));
    }

    [Fact]
    public async Task Node_without_data_takes_an_offer_and_comes_back_as_the_member()
    {
        AdoptionOffer? offered = null;
        await using TestMember leader = TestMember.Start(1);
        TestMember pristine = TestMember.Start(77, setup => setup with
        {
            Cluster = 0,
            Adopt = offer =>
            {
                offered = offer;
                return null;
            },
        });
        var pending = new PeerAddress(new NodeId(2), [pristine.Url]) { IsPending = true };
        leader.Network.SetPeers([pending]);
        await Eventually.HoldsAsync(() => leader.Log.Of(1045).Any(), () => leader.Log);

        await pristine.DisposeAsync();
        await using TestMember adopted = TestMember.Start(2, setup => setup with { Port = pristine.Port });
        await leader.IsConnectedAsync(adopted.Id);
        leader.Network.SetPeers([pending with { IsPending = false }]);
        leader.Network.Send(leader.Message(adopted.Id, 1));

        await Eventually.HoldsAsync(() => adopted.Received.Count == 1, () => leader.Log);
        Assert.Equal((TestMember.Cluster, new NodeId(2), leader.Id, leader.Url), (offered!.ClusterId, offered.Member, offered.From, Assert.Single(offered.FromUrls)));
        Assert.Equal(1, leader.Status(adopted.Id).Connections);
    }

    /// <summary>Several dials, and still one line each.</summary>
    private static async Task AssertRefusedAsync(TestMember dialer, TestMember acceptor, PeerAddress address, string why)
    {
        dialer.Network.SetPeers([address]);

        await Eventually.HoldsAsync(() => dialer.Troubles.Count(trouble => trouble == (address.Id, PeerTrouble.Rejected)) >= 3, () => dialer.Log);
        Assert.StartsWith($"Peer {address.Id} is not spoken with: {acceptor.Url}: {why}", Assert.Single(dialer.Log.Of(NotSpokenWith)), StringComparison.Ordinal);
        string atAcceptor = Assert.Single(acceptor.Log.Of(Refused));
        Assert.StartsWith($"Peer {dialer.Id} that dialed from 127.0.0.1:", atAcceptor, StringComparison.Ordinal);
        Assert.Contains(why, atAcceptor, StringComparison.Ordinal);
    }
}
