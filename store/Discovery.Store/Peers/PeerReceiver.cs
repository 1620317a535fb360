using System.Net;
using System.Net.Sockets;
using Discovery.Raft;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Peers;

/// <summary>
/// One connection that a peer dialed: answers its greeting, then hands on every message in order. Its own thread does
/// all of it with blocking calls; a handler that blocks makes the peer wait, which is the back-pressure. Other threads
/// only close it.
/// </summary>
internal sealed partial class PeerReceiver(Socket socket, PeerListener listener)
{
    private readonly FrameReader _frames = new();
    private readonly string _remote = (socket.RemoteEndPoint as IPEndPoint)?.ToString() ?? "an unknown address";
    private volatile Hello? _hello;

    /// <summary>Who dialed; null until its greeting was accepted. Set by the listener, which knows who came first.</summary>
    public Hello? Hello
    {
        get => _hello;
        set => _hello = value;
    }

    /// <summary>The other end without its port, which is another one each time.</summary>
    private string RemoteHost => _remote[..Math.Max(0, _remote.LastIndexOf(':'))];

    private string Name => _hello is { } hello ? $"Peer {hello.From.Member}" : "Who has not said who it is";

    /// <summary>The connection from its first byte to its last.</summary>
    public void Run()
    {
        try
        {
            SocketSettings.AfterConnect(socket);
            if (Greet() is var (hello, counters))
            {
                ReceiveMessages(hello, counters);
            }
        }
        catch (PeerFormatException e)
        {
            if (listener.Throttle.Allows(RemoteHost, nameof(PeerFormatException)))
            {
                LogMalformed(listener.Log, Name, _remote, e.Message);
            }

            Close(new Refused(RefusalCode.Malformed, e.Message));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            LogEnded(listener.Log, Name, _remote, e.Message);
        }
        finally
        {
            socket.Dispose();
            listener.Left(this);
        }
    }

    /// <summary>Ends the connection; the dialer is told why when there is something to say.</summary>
    public void Close(Refused? farewell = null)
    {
        try
        {
            if (farewell is not null)
            {
                socket.Send(HandshakeCodec.Encode(farewell));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The dialer has left, and needs no farewell.
        }

        SocketSettings.Interrupt(socket);
    }

    /// <summary>Who it is; null when it is refused, and was told so.</summary>
    private (Hello Hello, PeerCounters Counters)? Greet()
    {
        var handshake = new HandshakeReader(socket, _frames, listener.Time);
        if (!handshake.TryReadMagic())
        {
            string found = Stranger.Describe(_frames.Arrived);
            if (listener.Throttle.Allows(RemoteHost, found))
            {
                LogStranger(listener.Log, _remote, found);
            }

            Stranger.Answer(socket, _frames.Arrived);
            return null;
        }

        FrameKind kind = handshake.ReadFrame(out ReadOnlySpan<byte> payload);
        Hello hello = HandshakeCodec.DecodeHello(kind, payload);
        HelloAnswer answer = listener.Judge(hello);
        if (answer is Refused refused)
        {
            socket.Send(HandshakeCodec.Encode(answer));
            NodeId from = hello.From.Member;
            if (refused.Code != RefusalCode.OfferTaken && listener.Throttle.Allows(from, $"refused {refused.Code}"))
            {
                LogRefused(listener.Log, from, _remote, refused.Text);
            }

            return null;
        }

        // Before it is told: if it then dials anew, that connection is the later one.
        PeerCounters counters = listener.Joined(this, hello);
        socket.Send(HandshakeCodec.Encode(answer));
        if (listener.Throttle.Allows(hello.From.Member, nameof(Accepted)))
        {
            LogAccepted(listener.Log, hello.From.Member, _remote);
        }

        _frames.PayloadBytesMax = PeerLimits.FrameBytesMax;
        socket.ReceiveTimeout = 0;
        return (hello, counters);
    }

    private void ReceiveMessages(Hello hello, PeerCounters counters)
    {
        NodeId from = hello.From.Member;
        NodeId to = hello.Wanted;
        while (true)
        {
            while (_frames.TryTake(out FrameKind kind, out ReadOnlySpan<byte> payload))
            {
                counters.Received(FrameHeader.Bytes + payload.Length);
                listener.Handlers.Received(PeerCodec.Decode(kind, payload, from, to));
            }

            int count = socket.Receive(_frames.Room());
            if (count == 0)
            {
                LogEnded(listener.Log, Name, _remote, "it closed it");
                return;
            }

            _frames.Add(count);
        }
    }

    [LoggerMessage(1048, LogLevel.Information, "Peer {Peer} is connected from {Remote}.")]
    private static partial void LogAccepted(ILogger logger, NodeId peer, string remote);

    [LoggerMessage(1049, LogLevel.Warning, "Peer {Peer} that dialed from {Remote} is refused: {Why}.")]
    private static partial void LogRefused(ILogger logger, NodeId peer, string remote, string why);

    [LoggerMessage(1050, LogLevel.Warning, "{Peer} at {Remote}: {What}. Its connection is closed.")]
    private static partial void LogMalformed(ILogger logger, string peer, string remote, string what);

    [LoggerMessage(1051, LogLevel.Warning, "{Remote} is no member: it begins with {Found}. It was told that this is a peer URL.")]
    private static partial void LogStranger(ILogger logger, string remote, string found);

    [LoggerMessage(1052, LogLevel.Debug, "The connection from {Peer} at {Remote} ended: {Why}.")]
    private static partial void LogEnded(ILogger logger, string peer, string remote, string why);
}
