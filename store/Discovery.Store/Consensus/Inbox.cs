namespace Discovery.Store.Consensus;

/// <summary>
/// What waits for the loop. Many threads add, one drains: all that is there at once, which is what makes a batch.
/// Bounded by <see cref="Limits.InboxLength"/>; when it is full the request is refused at once, since a client that
/// waits behind five thousand others is better told so. The lock guards the list alone; a channel would hand over one
/// item at a time and wake the loop through the thread pool.
/// </summary>
internal sealed class Inbox
{
    private readonly object _gate = new();
    private List<Request> _waiting = [];
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

    /// <summary>False when the inbox is full or closed; then the request was not taken.</summary>
    public bool TryAdd(Request request)
    {
        lock (_gate)
        {
            if (_isClosed || _waiting.Count >= Limits.InboxLength)
            {
                return false;
            }

            _waiting.Add(request);
            if (_waiting.Count == 1)
            {
                Monitor.Pulse(_gate);
            }

            return true;
        }
    }

    /// <summary>Ends a wait although nothing was added.</summary>
    public void Nudge()
    {
        lock (_gate)
        {
            _isNudged = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Takes nothing more; the loop ends once it has drained.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Waits for something, at most so long, and takes all of it in exchange for the empty list.</summary>
    public List<Request> Drain(List<Request> empty, TimeSpan atMost)
    {
        lock (_gate)
        {
            if (_waiting.Count == 0 && !_isNudged && !_isClosed && atMost > TimeSpan.Zero)
            {
                Monitor.Wait(_gate, atMost);
            }

            _isNudged = false;
            List<Request> taken = _waiting;
            _waiting = empty;
            return taken;
        }
    }
}
