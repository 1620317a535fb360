using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Simulator.Checks;

/// <summary>How far members' clocks and the leader's attention may be off.</summary>
/// <param name="Drift">Greatest share by which a member's clock runs fast or slow: 0.01 for one in a hundred.</param>
/// <param name="Grace">Time a leader has after a lease's end to see it and to get its revocation through.</param>
internal sealed record LeaseTolerance(double Drift, TimeSpan Grace);

/// <summary>
/// Proves that leases live as long as was promised and not much longer: none ends before its TTL since the call of the
/// last acknowledged grant or renewal, by true time less the drift of clocks, unless a client asked to revoke it; its
/// keys end with it, all in one revision, and none before; it does end within its TTL and the grace while one leader
/// keeps reaching a majority; no answer contradicts that. Exact but for the tolerance. A view costs its leases.
/// </summary>
/// <remarks>
/// The driver calls <see cref="Read"/> with each view that a member publishes, after <see cref="RevisionHistory.Read"/>
/// has had it; <see cref="LeaderIs"/> whenever another member leads with a majority in reach, or none does; and
/// <see cref="Tick"/> now and then. A leader that is paused or slow counts as none, or the grace must cover it.
/// </remarks>
internal sealed class LeaseCheck
{
    private const string Name = "leases";

    private readonly RunPosition _position;
    private readonly RevisionHistory _history;
    private readonly LeaseTolerance _tolerance;
    private readonly Func<ByteString, bool> _isDeletedByClients;
    private readonly Dictionary<long, Promise> _promises = [];
    private readonly Dictionary<long, HashSet<ByteString>> _keys = [];
    private readonly Dictionary<ByteString, long> _leaseOf = [];
    private readonly Dictionary<long, long> _deletedIn = [];
    private HashSet<long> _alive = [];
    private ulong _readTo;
    private TimeSpan? _ledSince;

    /// <summary>Begins with no leases.</summary>
    /// <param name="position">Where the run stands.</param>
    /// <param name="history">The truth.</param>
    /// <param name="tolerance">What clocks and attention may be off.</param>
    /// <param name="isDeletedByClients">Keys that clients delete themselves although a lease holds them; default none.</param>
    public LeaseCheck(
        RunPosition position, RevisionHistory history, LeaseTolerance tolerance, Func<ByteString, bool>? isDeletedByClients = null)
    {
        (_position, _history, _tolerance) = (position, history, tolerance);
        _isDeletedByClients = isDeletedByClients ?? (static _ => false);
        history.Happened += Follow;
    }

    /// <summary>A client heard that its lease is granted. Others' leases are known from views alone.</summary>
    /// <param name="id">The lease.</param>
    /// <param name="ttlSeconds">What the answer says.</param>
    /// <param name="called">When the client asked.</param>
    public void Granted(long id, long ttlSeconds, TimeSpan called)
    {
        if (!_promises.ContainsKey(id))
        {
            _position.Fail(Name, $"lease {id} was granted by an answer, and no member had it");
        }

        Prolong(id, ttlSeconds, called);
    }

    /// <summary>A client asks for a renewal: from here on it may take effect at any moment.</summary>
    public void RenewCalled(long id) => PromiseOf(id).Renewals++;

    /// <summary>A client heard about its renewal; TTL 0 says that the lease is gone.</summary>
    public void Renewed(long id, long ttlSeconds, TimeSpan called)
    {
        Promise promise = PromiseOf(id);
        EndRenewal(promise);
        if (ttlSeconds > 0 && promise.Ended is { } ended && ended < called)
        {
            _position.Fail(Name, $"lease {id} ended at {ended} and was renewed by a call at {called}");
        }

        if (ttlSeconds > 0)
        {
            Prolong(id, ttlSeconds, called);
        }
        else if (promise.Ended is null && promise.Seen is not null)
        {
            _position.Fail(Name, $"a renewal of lease {id} was answered with \"gone\"; it is not");
        }
    }

    /// <summary>Nobody knows what became of a renewal.</summary>
    public void RenewUnknown(long id) => EndRenewal(PromiseOf(id));

    /// <summary>A client asks to revoke it: from here on it may end at any moment.</summary>
    public void RevokeCalled(long id) => PromiseOf(id).IsRevoked = true;

    /// <summary>The member that leads and reaches a majority, or none. Each call begins a new time of leading.</summary>
    public void LeaderIs(bool reachesMajority) => _ledSince = reachesMajority ? _position.Now : null;

    /// <summary>A member has published a view.</summary>
    public void Read(KeyspaceView view)
    {
        if (view.AppliedIndex <= _readTo)
        {
            return;
        }

        _readTo = view.AppliedIndex;
        HashSet<long> alive = [.. view.LeaseIds];
        foreach (long id in alive)
        {
            if (!_alive.Contains(id) && view.TryGetLease(id, out LeaseView? lease))
            {
                Begin(id, lease);
            }
        }

        foreach (long id in _alive)
        {
            if (!alive.Contains(id))
            {
                End(id);
            }
        }

        _alive = alive;
        CheckDeletions();
    }

    /// <summary>Looks for leases that should have ended.</summary>
    public void Tick()
    {
        if (_ledSince is not { } since)
        {
            return;
        }

        foreach (long id in _alive)
        {
            Promise promise = _promises[id];
            TimeSpan begun = promise.Latest > since ? promise.Latest : since;
            TimeSpan end = begun + (promise.Ttl * (1 + _tolerance.Drift)) + _tolerance.Grace;
            if (promise.Renewals == 0 && _position.Now > end)
            {
                _position.Fail(Name, $"lease {id} of {promise.Ttl} lives at {_position.Now}; it was renewed last at {promise.Latest}, and a leader reaches a majority since {since}");
            }
        }
    }

    private Promise PromiseOf(long id)
    {
        if (!_promises.TryGetValue(id, out Promise? promise))
        {
            _promises.Add(id, promise = new Promise());
        }

        return promise;
    }

    private void Begin(long id, LeaseView lease)
    {
        Promise promise = PromiseOf(id);
        if (promise.Ended is not null)
        {
            // The same id may be granted anew; what was promised of the one before is settled.
            _promises[id] = promise = new Promise();
        }

        promise.Seen = _position.Now;
        promise.Latest = _position.Now;
        promise.Ttl = TimeSpan.FromSeconds(lease.GrantedTtl);
    }

    private void Prolong(long id, long ttlSeconds, TimeSpan called)
    {
        Promise promise = PromiseOf(id);
        TimeSpan until = called + (TimeSpan.FromSeconds(ttlSeconds) * (1 - _tolerance.Drift));
        promise.Until = until > promise.Until ? until : promise.Until;
        promise.Latest = _position.Now > promise.Latest ? _position.Now : promise.Latest;
        if (promise.Ended is { } ended && ended < promise.Until && !promise.IsRevoked && ended >= called)
        {
            _position.Fail(Name, $"lease {id} ended at {ended}; an answer to a call at {called} gave it {ttlSeconds} s");
        }
    }

    private void EndRenewal(Promise promise)
    {
        promise.Renewals--;
        promise.Latest = _position.Now > promise.Latest ? _position.Now : promise.Latest;
    }

    private void End(long id)
    {
        Promise promise = _promises[id];
        promise.Ended = _position.Now;
        if (!promise.IsRevoked && _position.Now < promise.Until)
        {
            _position.Fail(Name, $"lease {id} ended at {_position.Now}; it was promised until {promise.Until}");
        }

        if (_keys.GetValueOrDefault(id) is { Count: > 0 } left)
        {
            _position.Fail(Name, $"lease {id} ended and left {string.Join(", ", left.Select(static key => key.ToStringUtf8()))}");
        }

        _deletedIn.Remove(id);
    }

    /// <summary>One revision of the true history: which keys stand under which lease after it.</summary>
    private void Follow(long revision, IReadOnlyList<TrueEvent> events)
    {
        foreach (TrueEvent one in events)
        {
            ByteString key = one.Kv.Key;
            if (_leaseOf.Remove(key, out long before))
            {
                _ = _keys[before].Remove(key);
                if (one.IsDelete && !_isDeletedByClients(key))
                {
                    NoteDeletion(before, revision);
                }
            }

            if (!one.IsDelete && one.Kv.Lease != 0)
            {
                Attach(key, one.Kv.Lease);
            }
        }
    }

    private void Attach(ByteString key, long lease)
    {
        if (!_keys.TryGetValue(lease, out HashSet<ByteString>? keys))
        {
            _keys.Add(lease, keys = []);
        }

        keys.Add(key);
        _leaseOf.Add(key, lease);
    }

    private void NoteDeletion(long lease, long revision)
    {
        if (!_deletedIn.TryAdd(lease, revision) && _deletedIn[lease] != revision)
        {
            _position.Fail(Name, $"keys of lease {lease} were deleted in revision {_deletedIn[lease]} and in {revision}; they end together");
        }
    }

    /// <summary>Whoever lost a key to the end of its lease must have ended.</summary>
    private void CheckDeletions()
    {
        foreach ((long id, long revision) in _deletedIn)
        {
            if (_alive.Contains(id))
            {
                _position.Fail(Name, $"keys of lease {id} were deleted in revision {revision}; the lease lives");
            }
        }

        _deletedIn.Clear();
    }

    /// <summary>What is known of one lease.</summary>
    private sealed class Promise
    {
        /// <summary>What the granter answered.</summary>
        public TimeSpan Ttl { get; set; }

        /// <summary>It must not end before.</summary>
        public TimeSpan Until { get; set; }

        /// <summary>The last moment at which something may have prolonged it.</summary>
        public TimeSpan Latest { get; set; }

        /// <summary>When a view had it first.</summary>
        public TimeSpan? Seen { get; set; }

        /// <summary>When a view did not have it any more.</summary>
        public TimeSpan? Ended { get; set; }

        /// <summary>Renewals under way.</summary>
        public int Renewals { get; set; }

        /// <summary>Whether a client asked for its end.</summary>
        public bool IsRevoked { get; set; }
    }
}
