namespace Discovery.Store.Consensus;

/// <summary>What the loop takes up in one turn.</summary>
internal sealed class InboxBatch
{
    public List<Request> Requests { get; set; } = [];

    public List<PeerMessage> Messages { get; set; } = [];
}

/// <summary>
/// What waits for the loop. Many threads add, one drains: all that is there at once, which is what makes a batch.
/// Requests are bounded by <see cref="Limits.InboxLength"/>; beyond it they are refused at once, since a client that waits
/// behind five thousand others is better told so. Messages of members wait for room: then their connections do. The lock
/// guards the lists alone; a channel would hand over one item at a time and wake the loop through the thread pool.
/// </summary>
internal sealed class Inbox
{
    private readonly object _gate = new();
    private List<Request> _requests = [];
    private List<PeerMessage> _messages = [];
    private bool _isNudged;
    private bool _isClosed;
    private bool _isWaiting;

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
            if (_isClosed || _requests.Count >= Limits.InboxLength)
            {
                return false;
            }

            _requests.Add(request);
            Wake();
            return true;
        }
    }

    /// <summary>Waits for room; when the inbox is closed the message is lost.</summary>
    public void Add(PeerMessage message)
    {
        lock (_gate)
        {
            while (_messages.Count >= Limits.InboxMessages && !_isClosed)
            {
                Monitor.Wait(_gate);
            }

            if (!_isClosed)
            {
                _messages.Add(message);
                Wake();
            }
        }
    }

    /// <summary>Ends a wait although nothing was added.</summary>
    public void Nudge()
    {
        lock (_gate)
        {
            _isNudged = true;
            Wake();
        }
    }

    /// <summary>Takes nothing more; the loop ends once it has drained.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits for something, at most so long, and takes all of it, in exchange for the batch's lists, emptied.</summary>
    public void Drain(InboxBatch batch, TimeSpan atMost)
    {
        batch.Requests.Clear();
        batch.Messages.Clear();
        lock (_gate)
        {
            if (_requests.Count == 0 && _messages.Count == 0 && !_isNudged && !_isClosed && atMost > TimeSpan.Zero)
            {
                _isWaiting = true;
                Monitor.Wait(_gate, atMost);
                _isWaiting = false;
            }

            _isNudged = false;
            (batch.Requests, _requests) = (_requests, batch.Requests);
            (batch.Messages, _messages) = (_messages, batch.Messages);
            if (batch.Messages.Count >= Limits.InboxMessages)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>The loop alone waits for something to come; who waits for room would wake up for nothing.</summary>
    private void Wake()
    {
        if (_isWaiting)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
