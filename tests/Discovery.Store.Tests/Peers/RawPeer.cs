using System.Net;
using System.Net.Sockets;
using Discovery.Raft;
using Discovery.Store.Peers;
using Discovery.Testing;

namespace Discovery.Store.Tests.Peers;

/// <summary>A connection to a peer URL on which a test says what it likes.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly TcpClient _client = new();

    private RawPeer(int port)
    {
        _client.Connect(IPAddress.Loopback, port);
        _client.NoDelay = true;
    }

    public NetworkStream Stream => _client.GetStream();

    public static RawPeer Dial(TestMember member) => new(member.Port);

    /// <summary>Greets as another member of the cluster, and is accepted.</summary>
    public static async Task<RawPeer> GreetAsync(TestMember member, ulong id)
    {
        var raw = new RawPeer(member.Port);
        var own = new PeerIdentity(TestMember.Cluster, new NodeId(id), ["http://127.0.0.1:1"], 0);
        await raw.Stream.WriteAsync(HandshakeCodec.Encode(new Hello(1, 1, own, member.Id, IsOffer: false)));
        byte[] answer = new byte[HandshakeCodec.Encode(new Accepted(1, 1, member.Id, 1)).Length];
        await raw.Stream.ReadExactlyAsync(answer);
        Assert.IsType<Accepted>(HandshakeCodec.DecodeAnswer((FrameKind)answer[12], answer.AsSpan(20)));
        return raw;
    }

    /// <summary>What comes until the connection ends, one way or the other.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        using var all = new MemoryStream();
        try
        {
            await Stream.CopyToAsync(all).WaitAsync(Eventually.Patience);
        }
        catch (IOException)
        {
            // Reset: it closed while we were still speaking.
        }

        return all.ToArray();
    }

    public void Dispose() => _client.Dispose();
}
