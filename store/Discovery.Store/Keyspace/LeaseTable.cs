using System.Collections.Concurrent;

namespace Discovery.Store.Keyspace;

/// <summary>
/// When leases end, by the leader's clock. Only ever a wish to revoke: the log decides what is. Owned by one thread;
/// others may call <see cref="Remaining"/> only. Times are monotonic, from any origin.
/// </summary>
/// <param name="checkpointInterval">Between two times that a long lease is written down.</param>
internal sealed class LeaseTable(TimeSpan checkpointInterval)
{
    private readonly ConcurrentDictionary<long, Deadline> _deadlines = new();
    private readonly PriorityQueue<long, long> _byEnd = new();
    private readonly PriorityQueue<long, long> _byCheckpoint = new();

    /// <summary>Gives a lease that was just granted its full time from now.</summary>
    public void Grant(long id, long ttlSeconds, TimeSpan now) => Add(id, ttlSeconds, ttlSeconds, now);

    /// <summary>Gives a lease its time from now: all of it, or what was left when it was last written down. For a new leader.</summary>
    public void Resume(LeaseView lease, TimeSpan now) => Add(lease.Id, lease.GrantedTtl, lease.TtlForNewLeader, now);

    /// <summary>Forgets a lease that the log revoked.</summary>
    public void Remove(long id) => _deadlines.TryRemove(id, out _);

    /// <summary>Forgets all: this member leads no more.</summary>
    public void Clear()
    {
        _deadlines.Clear();
        _byEnd.Clear();
        _byCheckpoint.Clear();
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

    /// <summary>
    /// Leases whose time left is to be written into the log, so that a change of leaders does not give them their full
    /// time again: long ones, each once in the interval, unless just renewed. A lease that
    /// is renewed after that must be written down with 0.
    /// </summary>
    public IReadOnlyList<(long Id, long RemainingSeconds)> TakeCheckpoints(TimeSpan now, int max)
    {
        List<(long, long)>? due = null;
        while ((due?.Count ?? 0) < max && _byCheckpoint.TryPeek(out long id, out long at) && at <= now.Ticks)
        {
            _byCheckpoint.Dequeue();
            if (!_deadlines.TryGetValue(id, out Deadline? lease) || lease.CheckpointAt.Ticks != at)
            {
                continue;
            }

            _deadlines[id] = ScheduleCheckpoint(id, lease, now);
            long left = SecondsUntil(lease.End, now);
            if (left > 0 && left < lease.TtlSeconds)
            {
                (due ??= []).Add((id, left));
            }
        }

        return due ?? (IReadOnlyList<(long, long)>)[];
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
        : SecondsUntil(lease.End, now);

    private void Add(long id, long ttlSeconds, long leftSeconds, TimeSpan now)
    {
        var deadline = new Deadline(ttlSeconds, now + TimeSpan.FromSeconds(leftSeconds), IsExpiring: false, CheckpointAt: default);
        _deadlines[id] = ScheduleCheckpoint(id, deadline, now);
        _byEnd.Enqueue(id, deadline.End.Ticks);
    }

    /// <summary>A lease that ends, or can be renewed to end, before its next checkpoint needs none.</summary>
    private Deadline ScheduleCheckpoint(long id, Deadline lease, TimeSpan now)
    {
        if (lease.TtlSeconds <= checkpointInterval.TotalSeconds)
        {
            return lease;
        }

        TimeSpan at = now + checkpointInterval;
        _byCheckpoint.Enqueue(id, at.Ticks);
        return lease with { CheckpointAt = at };
    }

    private static long SecondsUntil(TimeSpan end, TimeSpan now) => end <= now ? 0 : (long)Math.Ceiling((end - now).TotalSeconds);

    private sealed record Deadline(long TtlSeconds, TimeSpan End, bool IsExpiring, TimeSpan CheckpointAt);
}
