namespace Discovery.Raft;

/// <summary>How a leader treats one follower.</summary>
internal enum ReplicationMode
{
    /// <summary>It is not known where the logs agree: one message at a time asks.</summary>
    Probe,

    /// <summary>The logs agree: entries are sent ahead of their acknowledgement.</summary>
    Replicate,

    /// <summary>The entries that it lacks are gone: it fetches the state; only heartbeats go out meanwhile.</summary>
    Snapshot,
}

/// <summary>What a leader knows of one follower, and how much is on its way to it.</summary>
internal sealed class Progress(ulong next)
{
    private readonly Queue<(ulong LastIndex, long Bytes)> _inflight = new();
    private long _inflightBytes;

    public ReplicationMode Mode { get; private set; } = ReplicationMode.Probe;

    /// <summary>Index up to which the follower holds the leader's log durably. Only goes forward.</summary>
    public ulong Match { get; private set; }

    /// <summary>The entry to be sent next.</summary>
    public ulong Next { get; private set; } = next;

    /// <summary>The commit index that the follower was told last.</summary>
    public ulong ToldCommit { get; set; }

    /// <summary>The leader's last round that the follower has answered.</summary>
    public ulong Round { get; set; }

    /// <summary>Whether it was heard of since the quorum was checked last, or became a member since.</summary>
    public bool IsActive { get; set; } = true;

    /// <summary>Whether it was heard of between the two checks before.</summary>
    public bool WasActive { get; set; }

    /// <summary>Probe: a question is on its way. It is asked again after a heartbeat.</summary>
    public bool IsPaused { get; set; }

    /// <summary>Replicate: it was asked, since the last heartbeat, whether something was lost.</summary>
    public bool WasProbed { get; set; }

    /// <summary>Ticks since the follower was offered a snapshot or was seen fetching it.</summary>
    public int TicksSinceOffer { get; set; }

    public bool HasRoom(int inflightMax, long bytesMax) => _inflight.Count < inflightMax && _inflightBytes < bytesMax;

    /// <summary>Entries up to the index are on their way.</summary>
    public void Sent(ulong lastIndex, long bytes)
    {
        if (Mode == ReplicationMode.Replicate)
        {
            Next = lastIndex + 1;
            _inflight.Enqueue((lastIndex, bytes));
            _inflightBytes += bytes;
        }
        else
        {
            IsPaused = true;
        }
    }

    /// <summary>The follower holds the log up to the index. False when that is no news.</summary>
    public bool Acknowledged(ulong index)
    {
        while (_inflight.TryPeek(out (ulong LastIndex, long Bytes) oldest) && oldest.LastIndex <= index)
        {
            _inflight.Dequeue();
            _inflightBytes -= oldest.Bytes;
        }

        Next = Math.Max(Next, index + 1);
        if (index <= Match)
        {
            return false;
        }

        Match = index;
        return true;
    }

    /// <summary>The entry before the sent ones did not fit. False when the refusal is older than what is known.</summary>
    public bool Refused(ulong refused, ulong mayAgree)
    {
        if (Mode == ReplicationMode.Replicate ? refused <= Match : refused != Next - 1)
        {
            return false;
        }

        Next = Mode == ReplicationMode.Replicate
            ? Match + 1
            : Math.Max(Math.Min(refused, mayAgree + 1), Match + 1);
        Probe();
        return true;
    }

    /// <summary>Messages may have been lost: from what is known to be there on, one at a time.</summary>
    public void FallBack()
    {
        if (Mode == ReplicationMode.Replicate)
        {
            Next = Match + 1;
            Probe();
        }
    }

    public void Replicate()
    {
        Clear(ReplicationMode.Replicate);
        Next = Match + 1;
    }

    public void OfferSnapshot()
    {
        Clear(ReplicationMode.Snapshot);
        TicksSinceOffer = 0;
    }

    private void Probe() => Clear(ReplicationMode.Probe);

    private void Clear(ReplicationMode mode)
    {
        Mode = mode;
        IsPaused = false;
        _inflight.Clear();
        _inflightBytes = 0;
    }
}
