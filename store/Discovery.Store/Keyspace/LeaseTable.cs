using System.Collections.Concurrent;

namespace Discovery.Store.Keyspace;

/// <summary>
/// When leases end, by the leader's clock. Only ever a wish to revoke: the log decides what is. Owned by one thread;
/// others may call <see cref="Remaining"/> only. Times are monotonic, from any origin.
/// </summary>
internal sealed class LeaseTable
{
    private readonly ConcurrentDictionary<long, Deadline> _deadlines = new();
    private readonly PriorityQueue<long, long> _byEnd = new();

    /// <summary>Gives a lease its full time from now; a new leader does it for every lease.</summary>
    public void Grant(long id, long ttlSeconds, TimeSpan now)
    {
        var deadline = new Deadline(ttlSeconds, now + TimeSpan.FromSeconds(ttlSeconds), IsExpiring: false);
        _deadlines[id] = deadline;
        _byEnd.Enqueue(id, deadline.End.Ticks);
    }

    /// <summary>Forgets a lease that the log revoked.</summary>
    public void Remove(long id) => _deadlines.TryRemove(id, out _);

    /// <summary>Forgets all: this member leads no more.</summary>
    public void Clear()
    {
        _deadlines.Clear();
        _byEnd.Clear();
    }

    /// <summary>Gives a lease its full time again; its TTL in seconds, or 0 when there is none to renew.</summary>
    public long Renew(long id, TimeSpan now)
    {
        if (!_deadlines.TryGetValue(id, out Deadline? lease))
        {
            return 0;
        }

        // The queue keeps the old end: it is looked at again when that comes, instead of at each renewal.
        _deadlines[id] = lease with { End = now + TimeSpan.FromSeconds(lease.TtlSeconds), IsExpiring = false };
        return lease.TtlSeconds;
    }

    /// <summary>Whether the lease was taken as expired and not removed since: a renewal must wait for the verdict.</summary>
    public bool IsExpiring(long id) => _deadlines.TryGetValue(id, out Deadline? lease) && lease.IsExpiring;

    /// <summary>Leases whose time is over, oldest end first, each reported once.</summary>
    public IReadOnlyList<long> TakeExpired(TimeSpan now, int max)
    {
        List<long>? expired = null;
        while ((expired?.Count ?? 0) < max && _byEnd.TryPeek(out long id, out long end) && end <= now.Ticks)
        {
            _byEnd.Dequeue();
            if (!_deadlines.TryGetValue(id, out Deadline? lease) || lease.IsExpiring)
            {
                continue;
            }

            if (lease.End > now)
            {
                _byEnd.Enqueue(id, lease.End.Ticks);
                continue;
            }

            _deadlines[id] = lease with { IsExpiring = true };
            (expired ??= []).Add(id);
        }

        return expired ?? (IReadOnlyList<long>)[];
    }

    /// <summary>The revocation could not be proposed: the lease is expired again at the next look.</summary>
    public void Revive(long id)
    {
        if (_deadlines.TryGetValue(id, out Deadline? lease))
        {
            _deadlines[id] = lease with { IsExpiring = false };
            _byEnd.Enqueue(id, lease.End.Ticks);
        }
    }

    /// <summary>Seconds until the lease ends, 0 when it is over, -1 when it is unknown. From any thread.</summary>
    public long Remaining(long id, TimeSpan now) =>
        !_deadlines.TryGetValue(id, out Deadline? lease) ? -1
        : lease.End <= now ? 0
        : (long)Math.Ceiling((lease.End - now).TotalSeconds);

    private sealed record Deadline(long TtlSeconds, TimeSpan End, bool IsExpiring);
}
