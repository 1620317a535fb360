using Discovery.Raft;

namespace Discovery.Store.Peers;

/// <summary>
/// Says a thing once in <see cref="PeerLimits.LogInterval"/>: a peer that is refused dials again every second. Threads of
/// many connections ask, hence the lock; it guards the table alone.
/// </summary>
internal sealed class LogThrottle(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Who, string What), long> _said = [];

    /// <summary>Whether it is time to say this about the peer.</summary>
    public bool Allows(NodeId who, string what) => Allows(who.ToString(), what);

    /// <summary>Whether it is time to say this about who has no id.</summary>
    public bool Allows(string who, string what)
    {
        long now = time.GetTimestamp();
        lock (_lock)
        {
            if (_said.TryGetValue((who, what), out long last) && time.GetElapsedTime(last, now) < PeerLimits.LogInterval)
            {
                return false;
            }

            if (_said.Count >= PeerLimits.LogReasonsMax)
            {
                _said.Clear();
            }

            _said[(who, what)] = now;
            return true;
        }
    }

    /// <summary>It is over: when it begins again it is said again.</summary>
    public void Forget(NodeId who, string what)
    {
        lock (_lock)
        {
            _said.Remove((who.ToString(), what));
        }
    }
}
