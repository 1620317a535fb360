using System.Net;
using System.Net.Sockets;
using Discovery.Raft;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Peers;

/// <summary>
/// The peer URLs that this member listens on: one thread accepts at each, one receives from each connection. The lock
/// guards the list of connections, which those threads and <see cref="Stop"/> share.
/// </summary>
internal sealed partial class PeerListener
{
    private readonly PeerIdentity _own;
    private readonly Func<Hello, PeerCounters> _joined;
    private readonly Action<Hello> _left;
    private readonly List<Socket> _sockets = [];
    private readonly object _gate = new();
    private readonly List<PeerReceiver> _receivers = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _threads;
    private bool _isStarted;
    private volatile bool _isStopped;

    /// <summary>Binds every URL or none; <see cref="Start"/> accepts.</summary>
    /// <param name="own">Who answers.</param>
    /// <param name="urls"><c>--listen-peer-urls</c>.</param>
    /// <param name="handlers">What is told.</param>
    /// <param name="joined">A greeting was accepted: gives what counts the peer's messages.</param>
    /// <param name="left">The connection of that greeting ended.</param>
    /// <param name="throttle">Shared with the links.</param>
    /// <param name="log">Shared with the links.</param>
    /// <param name="time">For deadlines.</param>
    /// <exception cref="StoreStartException">A URL cannot be listened on.</exception>
    public PeerListener(
        PeerIdentity own, IReadOnlyList<string> urls, PeerHandlers handlers, Func<Hello, PeerCounters> joined, Action<Hello> left,
        LogThrottle throttle, ILogger log, TimeProvider time)
    {
        _own = own;
        _joined = joined;
        _left = left;
        Handlers = handlers;
        Throttle = throttle;
        Log = log;
        Time = time;
        try
        {
            foreach (string url in urls)
            {
                _sockets.Add(Bind(url));
            }
        }
        catch
        {
            _sockets.ForEach(static socket => socket.Dispose());
            throw;
        }

        Urls = [.. _sockets.Select(static socket => $"http://{socket.LocalEndPoint}")];
    }

    /// <summary>Where it listens, with the ports that port 0 became.</summary>
    public IReadOnlyList<string> Urls { get; }

    internal PeerHandlers Handlers { get; }

    internal LogThrottle Throttle { get; }

    internal ILogger Log { get; }

    internal TimeProvider Time { get; }

    /// <summary>Ends after <see cref="Stop"/>, when nothing is received any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Accepts from now on.</summary>
    public void Start()
    {
        _isStarted = true;
        _threads = _sockets.Count;
        foreach (Socket socket in _sockets)
        {
            LogListening(Log, $"http://{socket.LocalEndPoint}");
            new Thread(() => Accept(socket)) { Name = "peer accept", IsBackground = true }.Start();
        }
    }

    /// <summary>Closes the ports and every connection.</summary>
    public void Stop()
    {
        lock (_gate)
        {
            _isStopped = true;
            Monitor.PulseAll(_gate);
        }

        _sockets.ForEach(SocketSettings.Interrupt);
        Close(static _ => true, null);
        if (!_isStarted)
        {
            _sockets.ForEach(static socket => socket.Dispose());
            _ended.TrySetResult();
        }
    }

    /// <summary>Closes the connections of peers for which it is true.</summary>
    public void Close(Func<NodeId?, bool> which, Refused? farewell)
    {
        foreach (PeerReceiver receiver in Receivers(receiver => which(receiver.Hello?.From.Member)))
        {
            receiver.Close(farewell);
        }
    }

    internal HelloAnswer Judge(Hello hello) => HandshakeRules.Judge(_own, hello, Handlers);

    /// <summary>A greeting was accepted. What is left of an earlier connection of the same peer goes: it has dialed anew.</summary>
    internal PeerCounters Joined(PeerReceiver receiver, Hello hello)
    {
        List<PeerReceiver> earlier;
        lock (_gate)
        {
            earlier = Receivers(other => other.Hello?.From.Member == hello.From.Member);
            receiver.Hello = hello;
        }

        earlier.ForEach(static one => one.Close());
        return _joined(hello);
    }

    internal void Left(PeerReceiver receiver)
    {
        lock (_gate)
        {
            _receivers.Remove(receiver);
        }

        if (receiver.Hello is { } hello)
        {
            _left(hello);
        }

        EndThread();
    }

    private static Socket Bind(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? url) || url.Scheme != Uri.UriSchemeHttp)
        {
            throw new StoreStartException($"cannot listen for peers on {text}: wanted http://address:port (https comes with certificates, which this version has not)");
        }

        IPAddress address = StoreOptions.ListenAddress(url)
            ?? throw new StoreStartException($"cannot listen for peers on {text}: wanted an IP address or localhost");
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            socket.Bind(new IPEndPoint(address, url.Port));
            socket.Listen(PeerLimits.Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new StoreStartException($"cannot listen for peers on {text}: {e.Message}; change --listen-peer-urls, or stop what uses the port", e);
        }
    }

    private void Accept(Socket socket)
    {
        while (!_isStopped)
        {
            try
            {
                Take(socket.Accept());
            }
            catch (SocketException e)
            {
                if (!_isStopped && Throttle.Allows("accept", e.SocketErrorCode.ToString()))
                {
                    LogAcceptFailed(Log, e.Message);
                }

                // Out of file descriptors, most likely: the backlog waits until some are free.
                lock (_gate)
                {
                    _ = _isStopped || Monitor.Wait(_gate, PeerLimits.BackoffMin);
                }
            }
        }

        socket.Dispose();
        EndThread();
    }

    /// <summary>
    /// Gives the connection a thread. Who has been silent longest gives way: a member greets at once, so silent
    /// connections cannot keep it out.
    /// </summary>
    private void Take(Socket socket)
    {
        var receiver = new PeerReceiver(socket, this);
        PeerReceiver? silent = null;
        bool isTaken;
        lock (_gate)
        {
            isTaken = !_isStopped && _receivers.Count < PeerLimits.ConnectionsMax;
            if (isTaken)
            {
                silent = _receivers.Count(static other => other.Hello is null) >= PeerLimits.HandshakesMax
                    ? _receivers.First(static other => other.Hello is null)
                    : null;
                _receivers.Add(receiver);
            }
        }

        silent?.Close();
        if ((silent is not null || !isTaken) && !_isStopped && Throttle.Allows("", nameof(PeerLimits.HandshakesMax)))
        {
            LogTooMany(Log, PeerLimits.ConnectionsMax, PeerLimits.HandshakesMax);
        }

        if (!isTaken)
        {
            socket.Dispose();
            return;
        }

        Interlocked.Increment(ref _threads);
        new Thread(receiver.Run) { Name = "peer receive", IsBackground = true }.Start();
    }

    private List<PeerReceiver> Receivers(Func<PeerReceiver, bool> which)
    {
        lock (_gate)
        {
            return [.. _receivers.Where(which)];
        }
    }

    private void EndThread()
    {
        if (Interlocked.Decrement(ref _threads) == 0)
        {
            _ended.TrySetResult();
        }
    }

    [LoggerMessage(1040, LogLevel.Information, "Peers are served at {Url}.")]
    private static partial void LogListening(ILogger logger, string url);

    [LoggerMessage(1053, LogLevel.Warning, "Connections to the peer URLs are closed unheard: {Connections} are open, or {Handshakes} have not said who they are.")]
    private static partial void LogTooMany(ILogger logger, int connections, int handshakes);

    [LoggerMessage(1054, LogLevel.Error, "A peer cannot be accepted: {Why}. It is tried again.")]
    private static partial void LogAcceptFailed(ILogger logger, string why);
}
