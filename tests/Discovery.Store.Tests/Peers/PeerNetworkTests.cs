using Discovery.Store.Consensus;
using Discovery.Store.Peers;
using Discovery.Testing;

namespace Discovery.Store.Tests.Peers;

/// <summary>Members on loopback: what is sent arrives, and what cannot is told.</summary>
public sealed class PeerNetworkTests
{
    [Fact]
    public async Task A_hundred_thousand_messages_each_way_come_in_order()
    {
        const int Count = 100_000;
        await using TestMember left = TestMember.Start(1);
        await using TestMember right = TestMember.Start(2);
        await TestMember.ConnectAsync(left, right);

        foreach ((TestMember from, TestMember to) in new[] { (left, right), (right, left) })
        {
            for (ulong i = 0; i < Count; i++)
            {
                // A quarter of the queue at most, so that nothing is dropped however slow the other is.
                if (i % (PeerLimits.QueueLengthMax / 4) == 0)
                {
                    await Eventually.HoldsAsync(() => to.Received.Count == (int)i, () => to.Received.Count);
                }

                from.Network.Send(from.Message(to.Id, i));
            }
        }

        foreach (TestMember member in new[] { left, right })
        {
            await Eventually.HoldsAsync(() => member.Received.Count == Count, () => member.Received.Count);
            Assert.Equal(Enumerable.Range(0, Count).Select(static i => (ulong)i), member.Received.Select(static m => ((RaftMessage)m).Message.Context));
            Assert.All(member.Network.Peers, static peer => Assert.Equal((0, Count, Count, 1), (peer.MessagesDropped, peer.MessagesSent, peer.MessagesReceived, peer.Connections)));
        }
    }

    [Fact]
    public async Task Peer_that_comes_back_is_connected_again()
    {
        await using TestMember left = TestMember.Start(1);
        TestMember first = TestMember.Start(2);
        await TestMember.ConnectAsync(left, first);

        await first.DisposeAsync();
        await Eventually.HoldsAsync(() => left.Troubles.Contains((first.Id, PeerTrouble.DialRefused)), () => left.Log);
        await using TestMember second = TestMember.Start(2, setup => setup with { Port = first.Port });
        await left.IsConnectedAsync(second.Id);
        left.Network.Send(left.Message(second.Id, 7));

        await Eventually.HoldsAsync(() => second.Received.Count == 1, () => left.Log);
        Assert.Equal(2, left.Status(second.Id).Connections);
        Assert.Equal((second.Id, PeerTrouble.Lost), left.Troubles.First());
    }
}
