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

    [Fact]
    public async Task Death_of_a_peer_is_noticed_although_nothing_is_sent()
    {
        await using TestMember left = TestMember.Start(1);
        TestMember right = TestMember.Start(2);
        left.Network.SetPeers([right.Address]);
        await left.IsConnectedAsync(right.Id);
        Assert.Empty(left.Troubles);

        await right.DisposeAsync();

        await Eventually.HoldsAsync(() => left.Troubles.Contains((right.Id, PeerTrouble.Lost)), () => left.Log);
        Assert.Equal(0, left.Status(right.Id).MessagesSent);
    }

    /// <summary>
    /// Goal: a peer that reads nothing costs its sender neither time nor memory. How: far more is sent than the queue and
    /// the kernel's buffers hold, from a thread that would never come back if it were made to wait.
    /// </summary>
    [Fact]
    public async Task Peer_that_does_not_read_blocks_nobody_and_what_does_not_fit_is_dropped()
    {
        const int Count = 1_000;
        using var reads = new ManualResetEventSlim();
        await using TestMember left = TestMember.Start(1);
        await using TestMember right = TestMember.Start(2, setup => setup with { Receiving = _ => reads.Wait(Eventually.Patience) });
        await TestMember.ConnectAsync(left, right);

        for (ulong i = 0; i < Count; i++)
        {
            left.Network.Send(left.Message(right.Id, i, 256 * 1024));
        }

        long dropped = left.Status(right.Id).MessagesDropped;
        Assert.InRange(dropped, 1, Count);
        Assert.Contains((right.Id, PeerTrouble.Dropped), left.Troubles);
        Assert.Single(left.Log.Of(1046));
        reads.Set();
        await Eventually.HoldsAsync(() => left.Status(right.Id) is { } status && status.MessagesSent + status.MessagesDropped == Count, () => left.Log);
        await Eventually.HoldsAsync(
            () =>
            {
                left.Network.Send(left.Message(right.Id, Count));
                return right.Received.Any(static message => ((RaftMessage)message).Message.Context == Count);
            },
            () => left.Log);
        ulong[] received = [.. right.Received.Select(static message => ((RaftMessage)message).Message.Context)];
        Assert.Equal(received.Order(), received);
    }

    [Fact]
    public async Task Peer_that_takes_nothing_for_too_long_is_given_up()
    {
        using var reads = new ManualResetEventSlim();
        await using TestMember left = TestMember.Start(1);
        await using TestMember right = TestMember.Start(2, setup => setup with { Receiving = _ => reads.Wait(Eventually.Patience) });
        await TestMember.ConnectAsync(left, right);

        for (ulong i = 0; i < 100; i++)
        {
            left.Network.Send(left.Message(right.Id, i, 256 * 1024));
        }

        await Eventually.HoldsAsync(() => left.Troubles.Contains((right.Id, PeerTrouble.Lost)), () => left.Log);
        reads.Set();
        await left.IsConnectedAsync(right.Id);
    }

    [Fact]
    public async Task Large_messages_arrive_whole()
    {
        await using TestMember left = TestMember.Start(1);
        await using TestMember right = TestMember.Start(2);
        await TestMember.ConnectAsync(left, right);
        byte[] value = new byte[30_000_000];
        new Random(1).NextBytes(value);

        left.Network.Send(new Forward(left.Id, right.Id, 1, 2, 3, [value]));
        left.Network.Send(left.Message(right.Id, 4));

        await Eventually.HoldsAsync(() => right.Received.Count == 2, () => left.Log);
        Assert.True(((Forward)right.Received.First()).Commands[0].Span.SequenceEqual(value));
    }

    [Fact]
    public async Task Message_above_the_bound_is_dropped_with_a_line()
    {
        await using TestMember left = TestMember.Start(1);
        await using TestMember right = TestMember.Start(2);
        await TestMember.ConnectAsync(left, right);

        left.Network.Send(left.Message(right.Id, 1, PeerLimits.FrameBytesMax));

        Assert.StartsWith($"A RaftMessage for peer {right.Id} has ", Assert.Single(left.Log.Of(1047)), StringComparison.Ordinal);
        Assert.Equal(1, left.Status(right.Id).MessagesDropped);
    }

    /// <summary>A new member knows nobody: it answers where the greeting said, until it is told more.</summary>
    [Fact]
    public async Task Peer_that_dialed_us_is_answered_although_nobody_told_us_its_url()
    {
        TestMember knowing = TestMember.Start(1);
        await using TestMember newcomer = TestMember.Start(2);

        knowing.Network.SetPeers([newcomer.Address]);
        await newcomer.IsConnectedAsync(knowing.Id);
        newcomer.Network.SetPeers([newcomer.Address]);
        newcomer.Network.Send(newcomer.Message(knowing.Id, 1));
        await Eventually.HoldsAsync(() => knowing.Received.Count == 1, () => newcomer.Log);

        await knowing.DisposeAsync();
        await Eventually.HoldsAsync(() => newcomer.Network.Peers.Count == 0, () => newcomer.Log);
    }

    [Fact]
    public async Task Peer_that_moves_is_dialed_at_its_new_url()
    {
        await using TestMember left = TestMember.Start(1);
        await using TestMember before = TestMember.Start(2);
        await using TestMember after = TestMember.Start(2);
        left.Network.SetPeers([before.Address]);
        await left.IsConnectedAsync(before.Id);

        left.Network.SetPeers([after.Address]);

        await Eventually.HoldsAsync(() => left.Status(after.Id).Url == after.Url, () => left.Log);
        left.Network.Send(left.Message(after.Id, 1));
        await Eventually.HoldsAsync(() => after.Received.Count == 1, () => left.Log);
    }

    [Fact]
    public async Task Urls_are_tried_in_turn_and_names_and_ipv6_are_understood()
    {
        int port = FreePort.Next();
        await using TestMember left = TestMember.Start(1);
        await using TestMember right = TestMember.Start(2, setup => setup with { Port = port, ListenUrl = $"http://[::1]:{port}" });
        string silent = $"http://127.0.0.1:{FreePort.Next()}";

        left.Network.SetPeers([new PeerAddress(right.Id, [silent, "https://127.0.0.1:1", "http://no.such.name.invalid:1", $"http://[::1]:{port}"])]);

        await left.IsConnectedAsync(right.Id);
        Assert.Equal($"http://[::1]:{port}", left.Status(right.Id).Url);
        Assert.Empty(left.Troubles);
    }

    [Fact]
    public async Task Name_with_several_addresses_is_tried_at_each()
    {
        await using TestMember left = TestMember.Start(1);
        await using TestMember right = TestMember.Start(2);

        // On most machines localhost is ::1 too, where nobody listens.
        left.Network.SetPeers([new PeerAddress(right.Id, [$"http://localhost:{right.Port}"])]);

        await left.IsConnectedAsync(right.Id);
    }

    [Fact]
    public async Task Setting_the_same_peers_again_changes_nothing()
    {
        await using TestMember left = TestMember.Start(1);
        await using TestMember right = TestMember.Start(2);
        await TestMember.ConnectAsync(left, right);

        for (int i = 0; i < 100; i++)
        {
            left.Network.SetPeers([right.Address, left.Address]);
            left.Network.SetPeers([left.Address, right.Address]);
        }

        left.Network.Send(left.Message(right.Id, 1));
        await Eventually.HoldsAsync(() => right.Received.Count == 1, () => left.Log);
        Assert.Equal(1, left.Status(right.Id).Connections);
    }

    /// <summary>Goal: heartbeats do not need the thread pool. How: every thread of it waits, and many more would.</summary>
    [Fact]
    public async Task Busy_thread_pool_delays_no_message()
    {
        using var done = new ManualResetEventSlim();
        using var answered = new ManualResetEventSlim();
        await using TestMember left = TestMember.Start(1, setup => setup with { Receiving = _ => answered.Set() });
        TestMember? right = null;
        right = TestMember.Start(2, setup => setup with { Receiving = _ => right!.Network.Send(right.Message(left.Id, 1)) });
        await TestMember.ConnectAsync(left, right);
        try
        {
            for (int i = 0; i < 1_000; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static done => ((ManualResetEventSlim)done!).Wait(Eventually.Patience), done);
            }

            left.Network.Send(left.Message(right.Id, 1));

            Assert.True(answered.Wait(Eventually.Patience));
        }
        finally
        {
            done.Set();
            await right.DisposeAsync();
        }
    }

    [Fact]
    public async Task Urls_that_cannot_be_listened_on_are_refused_in_one_line()
    {
        await using TestMember taken = TestMember.Start(1);

        AssertRefused(taken.Url, "Address already in use; change --listen-peer-urls, or stop what uses the port");
        AssertRefused("https://127.0.0.1:2380", "wanted http://address:port (https comes with certificates, which this version has not)");
        AssertRefused("http://name.example:2380", "wanted an IP address or localhost");

        static void AssertRefused(string url, string why)
        {
            var own = new PeerIdentity(1, new(1), [url], 0);
            var e = Assert.Throws<StoreStartException>(() => new PeerNetwork(own, [url], new PeerHandlers { Received = static _ => { } }, new LogLines(), TimeProvider.System));
            Assert.Equal($"cannot listen for peers on {url}: {why}", e.Message);
        }
    }

    /// <summary>A dial to a host that says nothing lasts for seconds; the member's end does not wait for it.</summary>
    [Fact]
    public async Task Member_can_end_while_it_dials()
    {
        using var full = new FullBacklog();
        TestMember member = TestMember.Start(1);
        member.Network.SetPeers([new PeerAddress(new(2), [full.Url])]);
        await Eventually.HoldsAsync(() => full.IsDialed(), () => member.Log);

        await member.DisposeAsync();

        Assert.Empty(member.Troubles);
    }
}
