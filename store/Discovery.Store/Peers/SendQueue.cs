using Discovery.Store.Consensus;

namespace Discovery.Store.Peers;

/// <summary>A message and the size of its frame.</summary>
internal readonly record struct Outgoing(PeerMessage Message, int Bytes);

/// <summary>
/// What waits to be sent to one peer: the loop adds and never waits, the link's thread takes all that is there. Bounded
/// by <see cref="PeerLimits.QueueBytesMax"/> and <see cref="PeerLimits.QueueLengthMax"/>. The lock guards the list
/// and the flags; a channel would wake its reader through the thread pool.
/// </summary>
internal sealed class SendQueue
{
    private readonly object _gate = new();
    private List<Outgoing> _waiting = [];
    private long _bytes;
    private bool _isFull;
    private bool _isInterrupted;
    private bool _isNudged;
    private bool _isClosed;

    public bool IsClosed
    {
        get
        {
            lock (_gate)
            {
                return _isClosed;
            }
        }
    }

    /// <summary>
    /// False when it is full; then the message was not taken. One message always fits, whatever its size.
    /// <paramref name="isNews"/>: it was not full yet when it was last asked.
    /// </summary>
    public bool TryAdd(PeerMessage message, int bytes, out bool isNews)
    {
        isNews = false;
        lock (_gate)
        {
            if (_isClosed)
            {
                return true;
            }

            if (_waiting.Count >= PeerLimits.QueueLengthMax || (_bytes > 0 && _bytes + bytes > PeerLimits.QueueBytesMax))
            {
                isNews = !_isFull;
                _isFull = true;
                return false;
            }

            _bytes += bytes;
            _waiting.Add(new Outgoing(message, bytes));
            if (_waiting.Count == 1)
            {
                Monitor.Pulse(_gate);
            }

            return true;
        }
    }

    /// <summary>Waits until something is there or the wait is interrupted; takes all in exchange for the empty list.</summary>
    public List<Outgoing> Take(List<Outgoing> empty)
    {
        lock (_gate)
        {
            while (_waiting.Count == 0 && !_isInterrupted && !_isClosed)
            {
                Monitor.Wait(_gate);
            }

            List<Outgoing> taken = _waiting;
            _waiting = empty;
            return taken;
        }
    }

    /// <summary>So many of the taken bytes need no memory any more.</summary>
    public void Release(long bytes)
    {
        lock (_gate)
        {
            _bytes -= bytes;
            _isFull = false;
        }
    }

    /// <summary>Forgets what waits; how many messages that was.</summary>
    public int Clear()
    {
        lock (_gate)
        {
            int count = _waiting.Count;
            foreach (Outgoing outgoing in _waiting)
            {
                _bytes -= outgoing.Bytes;
            }

            _waiting.Clear();
            _isFull = false;
            return count;
        }
    }

    /// <summary>A new connection begins: what interrupted the last is over.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _isInterrupted = false;
        }
    }

    /// <summary>Ends <see cref="Take"/> until <see cref="Reset"/>.</summary>
    public void Interrupt()
    {
        lock (_gate)
        {
            _isInterrupted = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Waits so long, or until the next <see cref="Nudge"/>.</summary>
    public void Pause(TimeSpan time)
    {
        long end = Environment.TickCount64 + (long)time.TotalMilliseconds;
        lock (_gate)
        {
            // Messages that are added meanwhile end the wait of the lock, not the pause.
            while (!_isNudged && !_isClosed && end - Environment.TickCount64 is > 0 and var left)
            {
                Monitor.Wait(_gate, (int)left);
            }

            _isNudged = false;
        }
    }

    /// <summary>Ends <see cref="Pause"/>: the peer may be there now.</summary>
    public void Nudge()
    {
        lock (_gate)
        {
            _isNudged = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Ends every wait; what is added from now on is forgotten.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }
    }
}
