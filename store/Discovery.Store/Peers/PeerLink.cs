using Discovery.Raft;
using Discovery.Store.Consensus;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Peers;

/// <summary>
/// The sending side to one peer: one connection that we dial and only send on. What is given to it waits in a bounded
/// queue; what does not fit is dropped, for Raft says everything again.
/// </summary>
/// <remarks>
/// A thread of its own with blocking calls dials, sends and waits, so that a busy thread pool cannot delay heartbeats.
/// Other threads add to the queue, replace the address, nudge and close.
/// </remarks>
internal sealed partial class PeerLink
{
    private readonly PeerHandlers _handlers;
    private readonly LogThrottle _throttle;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly PeerDialer _dialer;
    private readonly SendQueue _queue = new();
    private readonly Random _jitter;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile PeerAddress _address;
    private volatile Connected? _connection;
    private uint _featureLevel;

    /// <summary>Begins to dial.</summary>
    public PeerLink(PeerIdentity own, PeerAddress address, PeerHandlers handlers, LogThrottle throttle, ILogger log, TimeProvider time)
    {
        _address = address;
        _handlers = handlers;
        _throttle = throttle;
        _log = log;
        _time = time;
        _dialer = new PeerDialer(own, handlers.IsForming, time);

        // Other numbers for each pair: the members must not all dial a returning one in step.
        _jitter = new Random((own.Member.Value ^ (address.Id.Value * 31)).GetHashCode());
        new Thread(Run) { Name = $"peer {address.Id}", IsBackground = true }.Start();
    }

    /// <summary>Where it dials.</summary>
    public PeerAddress Address => _address;

    /// <summary>What went to the peer, and came from it.</summary>
    public PeerCounters Counters { get; } = new();

    /// <summary>How the peer is reached.</summary>
    public PeerStatus Status => Counters.Status(_address.Id, _connection?.Url, Volatile.Read(ref _featureLevel));

    /// <summary>Ends after <see cref="Close"/>, when nothing is sent any more.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Gives the message to the link; never blocks.</summary>
    public void Send(PeerMessage message)
    {
        NodeId peer = _address.Id;
        long bytes = PeerCodec.FrameBytes(message);
        if (bytes > FrameHeader.Bytes + (long)PeerLimits.FrameBytesMax)
        {
            LogTooLarge(_log, message.GetType().Name, peer, bytes, PeerLimits.FrameBytesMax);
            Counters.Dropped(1);
        }
        else if (!_queue.TryAdd(message, (int)bytes, out bool isNews))
        {
            Counters.Dropped(1);
            if (isNews)
            {
                if (_throttle.Allows(peer, nameof(PeerTrouble.Dropped)))
                {
                    LogDropped(_log, peer, PeerLimits.QueueLengthMax, PeerLimits.QueueBytesMax);
                }

                _handlers.Unreachable(peer, PeerTrouble.Dropped);
            }
        }
    }

    /// <summary>Where the peer is from now on. A connection to a URL that it has not any more is given up.</summary>
    public void MoveTo(PeerAddress address)
    {
        _address = address;
        if (_connection is { } connection && !address.Urls.Contains(connection.Url))
        {
            SocketSettings.Interrupt(connection.Socket);
        }

        _queue.Nudge();
    }

    /// <summary>The peer has just spoken to us: it is worth dialing now.</summary>
    public void Nudge() => _queue.Nudge();

    /// <summary>Ends it; what waits is dropped.</summary>
    public void Close()
    {
        _queue.Close();
        _dialer.Stop();
        if (_connection is { } connection)
        {
            SocketSettings.Interrupt(connection.Socket);
        }
    }

    private void Run()
    {
        int failures = 0;
        while (!_queue.IsClosed)
        {
            DialOutcome outcome = _dialer.Dial(_address);
            bool hasLived = outcome is Connected connection && Serve(connection);
            if (outcome is NotConnected failure && !_queue.IsClosed)
            {
                Report(failure);
            }

            // A process that died is dialed again at once: the refusal proves its death. One that closes what it has just
            // accepted is not.
            failures = hasLived ? 0 : failures + 1;
            if (failures > 0)
            {
                _queue.Pause(Backoff(failures));
            }
        }

        _ended.TrySetResult();
    }

    /// <summary>Sends until the connection ends; whether it lived for long.</summary>
    private bool Serve(Connected connection)
    {
        NodeId peer = _address.Id;
        long started = _time.GetTimestamp();
        Volatile.Write(ref _featureLevel, connection.Answer.FeatureLevel);
        Counters.Connected();
        _handlers.Answered(peer, connection.Answer.IsUntouched);
        _throttle.Forget(peer, nameof(PeerTrouble.DialFailed));
        if (_throttle.Allows(peer, nameof(Connected)))
        {
            LogConnected(_log, peer, connection.Url, connection.Answer.Version, connection.Answer.FeatureLevel);
        }

        _connection = connection;
        var stream = new PeerStream(connection, _queue, Counters);
        if (!_address.Urls.Contains(connection.Url))
        {
            // It moved while it was dialed.
            SocketSettings.Interrupt(connection.Socket);
        }

        string end = stream.Run();
        _connection = null;
        if (_queue.IsClosed)
        {
            return false;
        }

        bool hasLived = _time.GetElapsedTime(started) >= PeerLimits.BackoffMax;
        if (hasLived)
        {
            // What is accepted and closed again every second is told once a minute; anything else each time.
            _throttle.Forget(peer, nameof(PeerTrouble.Lost));
            _throttle.Forget(peer, nameof(Connected));
        }

        if (_throttle.Allows(peer, nameof(PeerTrouble.Lost)))
        {
            LogLost(_log, peer, connection.Url, _address.Urls.Contains(connection.Url) ? end : "the peer has other URLs now");
        }

        _handlers.Unreachable(peer, PeerTrouble.Lost);
        if (stream.Farewell is { Code: RefusalCode.Removed } farewell)
        {
            _handlers.Expelled(RefusalCode.Removed, $"{connection.Url}: {farewell.Text}");
        }

        return hasLived;
    }

    private void Report(NotConnected failure)
    {
        NodeId peer = _address.Id;
        Counters.Dropped(_queue.Clear());
        _handlers.Unreachable(peer, failure.Trouble);
        if (failure.Code == RefusalCode.OfferTaken)
        {
            LogOfferTaken(_log, peer, failure.Text);
        }
        else if (failure.Trouble != PeerTrouble.Rejected)
        {
            // A refused dial and an unanswered one are the same to the reader: nobody is there.
            if (_throttle.Allows(peer, nameof(PeerTrouble.DialFailed)))
            {
                LogUnreachable(_log, peer, failure.Text);
            }
        }
        else if (_throttle.Allows(peer, $"rejected {failure.Code}"))
        {
            LogRejected(_log, peer, failure.Text);
        }

        if (failure.Code is RefusalCode.Removed or RefusalCode.Forgetful)
        {
            _handlers.Expelled(failure.Code.Value, failure.Text);
        }
    }

    private TimeSpan Backoff(int failures)
    {
        double longest = Math.Min(PeerLimits.BackoffMax.TotalMilliseconds, PeerLimits.BackoffMin.TotalMilliseconds * Math.Pow(2, failures - 1));
        return TimeSpan.FromMilliseconds(longest * (1 - (_jitter.NextDouble() / 2)));
    }

    [LoggerMessage(1041, LogLevel.Information, "Connected to peer {Peer} at {Url}: protocol version {Version}, feature level {FeatureLevel}.")]
    private static partial void LogConnected(ILogger logger, NodeId peer, string url, int version, uint featureLevel);

    [LoggerMessage(1042, LogLevel.Warning, "The connection to peer {Peer} at {Url} ended: {Why}. It is dialed again.")]
    private static partial void LogLost(ILogger logger, NodeId peer, string url, string why);

    [LoggerMessage(1043, LogLevel.Warning, "Peer {Peer} cannot be reached: {Why}. It is tried again, at least every second.")]
    private static partial void LogUnreachable(ILogger logger, NodeId peer, string why);

    [LoggerMessage(1044, LogLevel.Warning, "Peer {Peer} is not spoken with: {Why}.")]
    private static partial void LogRejected(ILogger logger, NodeId peer, string why);

    [LoggerMessage(1045, LogLevel.Information, "Peer {Peer} takes our offer: {What}. It is dialed again.")]
    private static partial void LogOfferTaken(ILogger logger, NodeId peer, string what);

    [LoggerMessage(1046, LogLevel.Warning, "Messages to peer {Peer} are dropped: more than {Messages} or {Bytes} bytes wait. Raft sends them again; the peer or the network is too slow.")]
    private static partial void LogDropped(ILogger logger, NodeId peer, int messages, long bytes);

    [LoggerMessage(1047, LogLevel.Error, "A {Kind} for peer {Peer} has {Bytes} bytes, wanted at most {Max}; it is dropped.")]
    private static partial void LogTooLarge(ILogger logger, string kind, NodeId peer, long bytes, int max);
}
