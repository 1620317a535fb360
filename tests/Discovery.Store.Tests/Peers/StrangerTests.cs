using System.Net;
using System.Text;
using Discovery.Raft;
using Discovery.Store.Consensus;
using Discovery.Store.Peers;
using Discovery.Testing;

namespace Discovery.Store.Tests.Peers;

/// <summary>What dials a peer URL and is no good peer harms nobody, and is told what is wrong.</summary>
public sealed class StrangerTests
{
    [Fact]
    public async Task Http_client_hears_that_this_is_a_peer_url()
    {
        await using TestMember member = TestMember.Start(1);
        using var http = new HttpClient();

        using HttpResponseMessage answer = await http.GetAsync(new Uri(member.Url + "/v3/kv/range"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Contains("peer URL of a Discovery store", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains("begins with HTTP", Assert.Single(member.Log.Of(1051)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_client_hears_that_there_is_no_tls()
    {
        await using TestMember member = TestMember.Start(1);
        using RawPeer raw = RawPeer.Dial(member);

        // The beginning of a ClientHello.
        await raw.Stream.WriteAsync(new byte[] { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 });

        Assert.Equal("This peer URL is served without TLS; use http, not https.\n", Encoding.ASCII.GetString(await raw.ReadToEndAsync()));
        Assert.Contains("begins with TLS", Assert.Single(member.Log.Of(1051)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Garbage_is_closed_without_an_answer_and_logged_once()
    {
        await using TestMember member = TestMember.Start(1);

        for (int i = 0; i < 5; i++)
        {
            using RawPeer raw = RawPeer.Dial(member);
            await raw.Stream.WriteAsync("\0\0\0\0\0\0\0\0\0\0"u8.ToArray());
            Assert.Empty(await raw.ReadToEndAsync());
        }

        Assert.Contains("the bytes 0000000000000000", Assert.Single(member.Log.Of(1051)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Malformed_message_ends_its_connection_with_the_reason_and_no_other()
    {
        await using TestMember member = TestMember.Start(1);
        await using TestMember good = TestMember.Start(2);
        await TestMember.ConnectAsync(member, good);
        using RawPeer bad = await RawPeer.GreetAsync(member, 3);
        byte[] frame = Wire.Encode(new LeaseAnswer(new NodeId(3), member.Id, 1, [2]));
        await bad.Stream.WriteAsync(frame);
        await Eventually.HoldsAsync(() => member.Received.Count == 1);

        frame[^1] ^= 1;
        await bad.Stream.WriteAsync(frame);
        byte[] answer = await bad.ReadToEndAsync();

        var farewell = Assert.IsType<Refused>(HandshakeCodec.DecodeAnswer(FrameKind.Refused, answer.AsSpan(20)));
        Assert.Equal(RefusalCode.Malformed, farewell.Code);
        Assert.StartsWith("found a frame of kind LeaseAnswer whose CRC says ", farewell.Text, StringComparison.Ordinal);
        Assert.StartsWith($"Peer {new NodeId(3)} at 127.0.0.1:", Assert.Single(member.Log.Of(1050)), StringComparison.Ordinal);
        good.Network.Send(good.Message(member.Id, 5));
        await Eventually.HoldsAsync(() => member.Received.Count == 2, () => member.Log);
        Assert.Equal(1, good.Status(member.Id).Connections);
    }

    /// <summary>After a lost route the peer dials anew, and nobody closes what is left of the connection before.</summary>
    [Fact]
    public async Task Peer_that_dials_anew_takes_the_place_of_its_earlier_connection()
    {
        await using TestMember member = TestMember.Start(1);
        RawPeer later = await RawPeer.GreetAsync(member, 3);

        // Many times: which connection is the later one was once decided after its dialer had been answered.
        for (int i = 0; i < 100; i++)
        {
            using RawPeer earlier = later;
            later = await RawPeer.GreetAsync(member, 3);
            Assert.Empty(await earlier.ReadToEndAsync());
        }

        await later.Stream.WriteAsync(Wire.Encode(new SnapshotPull(new NodeId(3), member.Id, default, 0)));
        await Eventually.HoldsAsync(() => member.Received.Count == 1, () => member.Log);
        Assert.Equal(new NodeId(3), Assert.Single(member.Network.Peers).Id);
        later.Dispose();
    }

    /// <summary>Goal: nothing that arrives at the port harms the member. How: connections full of damaged frames, then a good peer.</summary>
    [Fact]
    public async Task Member_survives_connections_full_of_damage()
    {
        int seed = Random.Shared.Next();
        var random = new Random(seed);
        var messages = new RandomMessages(random);
        await using TestMember member = TestMember.Start(1);
        for (int i = 0; i < 200; i++)
        {
            using RawPeer raw = random.Next(2) == 0 ? RawPeer.Dial(member) : await RawPeer.GreetAsync(member, (ulong)random.Next(3, 6));
            byte[] bytes = [.. HandshakeCodec.Magic, .. Enumerable.Range(0, 5).SelectMany(_ => Wire.Encode(messages.Next()))];
            for (int damages = 0; damages < 3; damages++)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
            }

            try
            {
                await raw.Stream.WriteAsync(bytes);
            }
            catch (IOException)
            {
                // It has had enough of us.
            }
        }

        await using TestMember good = TestMember.Start(2);
        await TestMember.ConnectAsync(member, good);
        good.Network.Send(new LeaseAnswer(good.Id, member.Id, 4711, []));

        await Eventually.HoldsAsync(() => member.Received.Any(static m => m is LeaseAnswer { Question: 4711 }), () => $"seed {seed}\n{member.Log}");
    }

    [Fact]
    public async Task Silent_connections_keep_no_member_out_and_do_not_last()
    {
        await using TestMember member = TestMember.Start(1);
        RawPeer[] silent = [.. Enumerable.Range(0, PeerLimits.HandshakesMax + 1).Select(_ => RawPeer.Dial(member))];

        Assert.Empty(await silent[0].ReadToEndAsync());
        await Eventually.HoldsAsync(() => member.Log.Of(1053).Count() == 1, () => member.Log);
        using RawPeer good = await RawPeer.GreetAsync(member, 3);
        await good.Stream.WriteAsync(Wire.Encode(new SnapshotPull(new NodeId(3), member.Id, default, 0)));
        await Eventually.HoldsAsync(() => member.Received.Count == 1, () => member.Log);

        // Nobody pushes them out now: they are closed because their time is over.
        foreach (RawPeer raw in silent)
        {
            Assert.Empty(await raw.ReadToEndAsync());
            raw.Dispose();
        }
    }
}
