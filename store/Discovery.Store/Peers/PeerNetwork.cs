using System.Collections.Immutable;
using Discovery.Raft;
using Discovery.Store.Consensus;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Peers;

/// <summary>
/// How this member speaks with the others: a <see cref="PeerLink"/> to each, and a <see cref="PeerListener"/> for what
/// they send. Messages may be lost; those that arrive on one connection do so in order.
/// </summary>
/// <remarks>
/// The loop sets peers and sends; threads of the connections call the <see cref="PeerHandlers"/>. The lock guards who
/// the peers are, which changes when the loop says so and when a greeting is accepted; sending reads the table without it.
/// </remarks>
internal sealed class PeerNetwork : IAsyncDisposable
{
    private readonly PeerIdentity _own;
    private readonly PeerHandlers _handlers;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly LogThrottle _throttle;
    private readonly PeerListener _listener;
    private readonly Lock _lock = new();
    private readonly Dictionary<NodeId, Hello> _greeted = [];
    private readonly List<Task> _ending = [];
    private volatile ImmutableDictionary<NodeId, PeerLink> _links = ImmutableDictionary<NodeId, PeerLink>.Empty;
    private ImmutableArray<PeerAddress> _peers = [];
    private bool _isStopped;

    /// <summary>Binds the URLs; <see cref="Start"/> accepts.</summary>
    /// <exception cref="StoreStartException">A URL cannot be listened on.</exception>
    public PeerNetwork(PeerIdentity own, IReadOnlyList<string> listenUrls, PeerHandlers handlers, ILogger log, TimeProvider time)
    {
        _own = own;
        _handlers = handlers;
        _log = log;
        _time = time;
        _throttle = new LogThrottle(time);
        _listener = new PeerListener(own, listenUrls, handlers, Joined, Left, _throttle, log, time);
    }

    /// <summary>Where peers are served, with the ports that port 0 became.</summary>
    public IReadOnlyList<string> Urls => _listener.Urls;

    /// <summary>How each peer is reached, for metrics; ordered by id.</summary>
    public IReadOnlyList<PeerStatus> Peers => [.. _links.Values.Select(static link => link.Status).OrderBy(static status => status.Id.Value)];

    /// <summary>Takes what peers send from now on. <see cref="SetPeers"/> may come before or after.</summary>
    public void Start() => _listener.Start();

    /// <summary>
    /// Who the members are; this one may be among them. Cheap when nothing changed. Who is not among them and has dialed
    /// us stays answerable, at the URLs that it gave, until its connection ends: it may be new, and we behind.
    /// </summary>
    public void SetPeers(IReadOnlyCollection<PeerAddress> peers)
    {
        PeerAddress[] wanted = [.. peers];
        lock (_lock)
        {
            if (_peers.AsSpan().SequenceEqual(wanted))
            {
                return;
            }

            _peers = [.. wanted];
            Reconcile();
        }

        // Whoever was removed hears it now, and not when it dials next.
        _listener.Close(
            peer => peer is { } id && _handlers.IsRemoved(id), new Refused(RefusalCode.Removed, $"it is no member of cluster {_own.ClusterId:x16} any more"));
    }

    /// <summary>Sends to the member that the message names, if it is known; never blocks.</summary>
    public void Send(PeerMessage message)
    {
        Invariant.Holds(message.From == _own.Member);
        if (_links.TryGetValue(message.To, out PeerLink? link))
        {
            link.Send(message);
        }
    }

    /// <summary>
    /// Closes every connection. No handler is called any more when it has ended, unless one of them still hangs after
    /// <see cref="PeerLimits.StopTime"/>.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Task ended;
        lock (_lock)
        {
            _isStopped = true;
            Reconcile();
            ended = Task.WhenAll([.. _ending, _listener.Ended]);
        }

        _listener.Stop();
        await Task.WhenAny(ended, Task.Delay(PeerLimits.StopTime, _time));
    }

    private PeerCounters Joined(Hello hello)
    {
        lock (_lock)
        {
            _greeted[hello.From.Member] = hello;
            Reconcile();
        }

        if (!_links.TryGetValue(hello.From.Member, out PeerLink? link))
        {
            return new PeerCounters();
        }

        // It lives, so our own dial would succeed now: else a member that starts late waits for our back-off.
        link.Nudge();
        return link.Counters;
    }

    private void Left(Hello hello)
    {
        lock (_lock)
        {
            // A later connection of the same peer may have taken its place.
            if (_greeted.TryGetValue(hello.From.Member, out Hello? last) && ReferenceEquals(last, hello))
            {
                _greeted.Remove(hello.From.Member);
                Reconcile();
            }
        }
    }

    /// <summary>Makes the links those that are wanted. The lock is held.</summary>
    private void Reconcile()
    {
        Dictionary<NodeId, PeerAddress> wanted = _isStopped ? [] : Wanted();
        ImmutableDictionary<NodeId, PeerLink>.Builder links = _links.ToBuilder();
        foreach ((NodeId id, PeerLink link) in _links)
        {
            if (!wanted.ContainsKey(id))
            {
                links.Remove(id);
                link.Close();
                _ending.RemoveAll(static ended => ended.IsCompleted);
                _ending.Add(link.Ended);
            }
        }

        foreach (PeerAddress address in wanted.Values)
        {
            if (!links.TryGetValue(address.Id, out PeerLink? link))
            {
                links.Add(address.Id, new PeerLink(_own, address, _handlers, _throttle, _log, _time));
            }
            else if (link.Address != address)
            {
                link.MoveTo(address);
            }
        }

        _links = links.ToImmutable();
    }

    private Dictionary<NodeId, PeerAddress> Wanted()
    {
        var wanted = new Dictionary<NodeId, PeerAddress>();
        foreach (Hello hello in _greeted.Values.Where(hello => !_handlers.IsRemoved(hello.From.Member)))
        {
            wanted[hello.From.Member] = new PeerAddress(hello.From.Member, hello.From.PeerUrls);
        }

        foreach (PeerAddress peer in _peers.Where(peer => peer.Id != _own.Member))
        {
            wanted[peer.Id] = peer;
        }

        return wanted;
    }
}
