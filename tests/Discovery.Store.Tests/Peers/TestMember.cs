using System.Collections.Concurrent;
using System.Collections.Immutable;
using Discovery.Raft;
using Discovery.Store.Consensus;
using Discovery.Store.Peers;
using Discovery.Testing;

namespace Discovery.Store.Tests.Peers;

/// <summary>A member that is only its network: what it received and what it was told is kept.</summary>
internal sealed class TestMember : IAsyncDisposable
{
    public const ulong Cluster = 0xc1;
    private const string Token = "token";

    private readonly PeerNetwork _network;

    private TestMember(ulong id, Setup setup)
    {
        Id = new NodeId(id);
        Port = setup.Port;
        var own = new PeerIdentity(setup.Cluster, Id, [Url], PeerIdentity.HashToken(setup.Token));
        var handlers = new PeerHandlers
        {
            Received = message =>
            {
                setup.Receiving?.Invoke(message);
                Received.Enqueue(message);
            },
            Unreachable = (peer, trouble) => Troubles.Enqueue((peer, trouble)),
            Expelled = (code, text) => RemovedBy = code == RefusalCode.Removed ? text : null,
            IsRemoved = id => Removed.Contains(id),
            Adopt = setup.Adopt,
        };
        _network = new PeerNetwork(own, [setup.ListenUrl ?? Url], handlers, Log, TimeProvider.System);
        _network.Start();
    }

    public NodeId Id { get; }

    public int Port { get; }

    public string Url => $"http://127.0.0.1:{Port}";

    public PeerAddress Address => new(Id, [Url]);

    public LogLines Log { get; } = new();

    public ConcurrentQueue<PeerMessage> Received { get; } = new();

    public ConcurrentQueue<(NodeId Peer, PeerTrouble Trouble)> Troubles { get; } = new();

    /// <summary>What it was told when it was refused as removed.</summary>
    public string? RemovedBy { get; private set; }

    /// <summary>Whom it refuses.</summary>
    public volatile ImmutableHashSet<NodeId> Removed = [];

    public PeerNetwork Network => _network;

    public static TestMember Start(ulong id, Func<Setup, Setup>? change = null)
    {
        var setup = new Setup(FreePort.Next());
        return new TestMember(id, change?.Invoke(setup) ?? setup);
    }

    /// <summary>Tells both of each other, and waits until both are connected.</summary>
    public static async Task ConnectAsync(TestMember left, TestMember right)
    {
        left._network.SetPeers([left.Address, right.Address]);
        right._network.SetPeers([left.Address, right.Address]);
        await left.IsConnectedAsync(right.Id);
        await right.IsConnectedAsync(left.Id);
    }

    public PeerStatus Status(NodeId peer) => _network.Peers.Single(status => status.Id == peer);

    public Task IsConnectedAsync(NodeId peer) =>
        Eventually.HoldsAsync(() => _network.Peers.Any(status => status.Id == peer && status.Url is not null), () => Log);

    /// <summary>A message that says its number.</summary>
    public RaftMessage Message(NodeId to, ulong number, int bytes = 0) => new(new Message(MessageKind.Append, Id, to, 1)
    {
        Context = number,
        Entries = bytes > 0 ? new[] { new Entry(new EntryId(1, 1), EntryKind.Command, new byte[bytes]) } : default,
    });

    public ValueTask DisposeAsync() => _network.DisposeAsync();

    /// <summary>What can be another for one test.</summary>
    internal sealed record Setup(int Port)
    {
        public ulong Cluster { get; init; } = TestMember.Cluster;

        public string Token { get; init; } = TestMember.Token;

        /// <summary>Where it listens when that is not where it is dialed.</summary>
        public string? ListenUrl { get; init; }

        /// <summary>Called before a message counts as received; may block.</summary>
        public Action<PeerMessage>? Receiving { get; init; }

        public Func<AdoptionOffer, string?> Adopt { get; init; } = static _ => "not now";
    }
}
