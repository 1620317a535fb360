using System.Net;
using System.Net.Sockets;

namespace Discovery.Store.Peers;

/// <summary>What became of a dial.</summary>
internal abstract record DialOutcome;

/// <summary>Messages can be sent.</summary>
internal sealed record Connected(Socket Socket, string Url, Accepted Answer) : DialOutcome;

/// <summary>Messages cannot be sent.</summary>
/// <param name="Trouble">Why, in a word.</param>
/// <param name="Text">Why, for the log.</param>
/// <param name="Code">Why, when the peer said so.</param>
internal sealed record NotConnected(PeerTrouble Trouble, string Text, RefusalCode? Code = null) : DialOutcome;

/// <summary>
/// Connects to a peer and greets it. Its own thread calls <see cref="Dial"/>, which blocks; <see cref="Stop"/> comes
/// from another, hence the lock: it guards the socket that the thread may be waiting on.
/// </summary>
/// <param name="own">Who dials.</param>
/// <param name="isForming">What the greeting says of itself (<see cref="Hello.IsForming"/>).</param>
/// <param name="time">For deadlines.</param>
internal sealed class PeerDialer(PeerIdentity own, Func<bool> isForming, TimeProvider time)
{
    private readonly Lock _lock = new();
    private Socket? _dialing;
    private bool _isStopped;
    private string? _lastGood;

    /// <summary>Tries the peer's URLs in turn, the one that worked last first.</summary>
    public DialOutcome Dial(PeerAddress peer)
    {
        if (peer.Urls.IsDefaultOrEmpty)
        {
            return new NotConnected(PeerTrouble.DialFailed, "it has no peer URL");
        }

        var failures = new List<NotConnected>();
        foreach (string url in peer.Urls.OrderByDescending(url => url == _lastGood))
        {
            DialOutcome outcome = DialUrl(peer, url);
            if (outcome is Connected)
            {
                _lastGood = url;
                return outcome;
            }

            failures.Add((NotConnected)outcome);
        }

        // One that speaks is worth more than those that do not, and one that is silent may still live.
        NotConnected worst = failures.MaxBy(static failure => failure.Trouble switch
        {
            PeerTrouble.Rejected => 2,
            PeerTrouble.DialFailed => 1,
            _ => 0,
        })!;
        return worst with { Text = string.Join("; ", failures.Select(static failure => failure.Text)) };
    }

    /// <summary>Ends a dial that is under way, and all later ones.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isStopped = true;
            if (_dialing is not null)
            {
                SocketSettings.Interrupt(_dialing);
            }
        }
    }

    private DialOutcome DialUrl(PeerAddress peer, string text)
    {
        if (DialedUrl.Problem(text) is { } problem)
        {
            return new NotConnected(PeerTrouble.DialFailed, $"{text}: {problem}");
        }

        try
        {
            DialedUrl url = DialedUrl.Parse(text);
            DialOutcome outcome = new NotConnected(PeerTrouble.DialFailed, $"{text} has no address");
            foreach (IPEndPoint address in url.Resolve())
            {
                outcome = DialAddress(peer, url, address);
                if (outcome is Connected)
                {
                    break;
                }
            }

            return outcome;
        }
        catch (SocketException e)
        {
            return new NotConnected(PeerTrouble.DialFailed, $"{text}: {e.Message}");
        }
    }

    private DialOutcome DialAddress(PeerAddress peer, DialedUrl url, IPEndPoint address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        bool isConnected = false;
        try
        {
            SocketSettings.BeforeConnect(socket);
            lock (_lock)
            {
                _dialing = socket;
                if (_isStopped)
                {
                    return new NotConnected(PeerTrouble.DialFailed, "this member stops");
                }
            }

            socket.Connect(address);
            SocketSettings.AfterConnect(socket);
            DialOutcome outcome = Greet(socket, peer, url);
            isConnected = outcome is Connected;
            return outcome;
        }
        catch (SocketException e)
        {
            return new NotConnected(
                e.SocketErrorCode == SocketError.ConnectionRefused ? PeerTrouble.DialRefused : PeerTrouble.DialFailed, $"{url.Text} ({address}): {e.Message}");
        }
        catch (PeerFormatException e)
        {
            return new NotConnected(PeerTrouble.Rejected, $"{url.Text}: {e.Message}");
        }
        finally
        {
            lock (_lock)
            {
                _dialing = null;
            }

            if (!isConnected)
            {
                socket.Dispose();
            }
        }
    }

    private DialOutcome Greet(Socket socket, PeerAddress peer, DialedUrl url)
    {
        socket.Send(HandshakeCodec.Encode(HandshakeRules.Greeting(own, peer, isForming())));
        var frames = new FrameReader();
        var handshake = new HandshakeReader(socket, frames, time);
        if (!handshake.TryReadMagic())
        {
            throw new PeerFormatException($"found {Stranger.Describe(frames.Arrived)}, wanted a member's answer: is it the peer URL?");
        }

        FrameKind kind = handshake.ReadFrame(out ReadOnlySpan<byte> payload);
        HelloAnswer answer = HandshakeCodec.DecodeAnswer(kind, payload);
        socket.ReceiveTimeout = 0;
        return answer switch
        {
            Refused refused => new NotConnected(PeerTrouble.Rejected, $"{url.Text}: {refused.Text}", refused.Code),
            Accepted accepted when HandshakeRules.Objection(own, peer.Id, accepted) is { } objection => new NotConnected(PeerTrouble.Rejected, $"{url.Text}: {objection}"),
            Accepted accepted => new Connected(socket, url.Text, accepted),
            _ => throw new PeerFormatException($"found {kind}, wanted an answer"),
        };
    }
}
