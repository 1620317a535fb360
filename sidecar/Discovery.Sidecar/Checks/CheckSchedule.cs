namespace Discovery.Sidecar.Checks;

/// <summary>A run that may begin.</summary>
/// <param name="Key">Of which check.</param>
/// <param name="Edition">Which of the specs that this key has had; a result of an older one does not count.</param>
internal readonly record struct DueRun(CheckKey Key, long Edition);

/// <summary>
/// Which check is due when. Each has a phase of its own within its interval, evenly spread over all checks whenever
/// they were added; at most so many runs are under way, the longest due first, and of one check never two. Time is
/// handed in, as any that never goes back. Pure.
/// </summary>
/// <param name="atOnce">Runs under way at a time.</param>
/// <param name="chance">The first check's phase, so that two hosts do not beat in time, and when first runs begin.</param>
internal sealed class CheckSchedule(int atOnce, Random chance)
{
    /// <summary>Steps of this part of an interval fill it more evenly than any other, however many there are (Weyl, the golden ratio).</summary>
    private const double Step = 0.6180339887498949;

    private readonly Dictionary<CheckKey, Entry> _entries = [];
    private readonly HashSet<CheckKey> _running = [];
    private readonly PriorityQueue<DueRun, TimeSpan> _queue = new();
    private double _phase = chance.NextDouble();
    private long _edition;

    /// <summary>Checks that are to be run.</summary>
    public int Count => _entries.Count;

    /// <summary>Runs under way, those of removed checks included: they hold sockets too.</summary>
    public int Running => _running.Count;

    /// <summary>Runs that wait for their time, and what is left of removed checks: about twice the checks at most.</summary>
    public int Queued => _queue.Count;

    /// <summary>When to look again; null while nothing can begin before something ends.</summary>
    public TimeSpan? Next
    {
        get
        {
            DropStale();
            return _running.Count < atOnce && _queue.TryPeek(out _, out TimeSpan due) ? due : null;
        }
    }

    /// <summary>Adds a check, or puts another in place of one of the same key, whose run under way no longer counts.</summary>
    /// <param name="key">Which.</param>
    /// <param name="interval">Time from start to start.</param>
    /// <param name="now">The first run comes soon after.</param>
    public void Set(CheckKey key, TimeSpan interval, TimeSpan now)
    {
        _phase = (_phase + Step) % 1;
        TimeSpan spread = interval / 10 < CheckLimits.FirstRunSpread ? interval / 10 : CheckLimits.FirstRunSpread;
        var entry = new Entry(++_edition, interval, interval * _phase);
        _entries[key] = entry;
        Await(key, entry, now + (spread * chance.NextDouble()));
    }

    /// <summary>Takes a check away; its run under way no longer counts.</summary>
    public void Remove(CheckKey key)
    {
        // What is left of it in the queue goes when its time comes, or when there is more of that than of the rest.
        if (_entries.Remove(key) && _queue.Count > (2 * _entries.Count) + 64)
        {
            (DueRun Run, TimeSpan Due)[] current = [.. _queue.UnorderedItems.Where(i => IsCurrent(i.Element))];
            _queue.Clear();
            _queue.EnqueueRange(current);
        }
    }

    /// <summary>The next run that is due and may begin; it is under way from now on. False when there is none.</summary>
    public bool TryTake(TimeSpan now, out DueRun run)
    {
        while (_running.Count < atOnce && _queue.TryPeek(out run, out TimeSpan due))
        {
            if (!IsCurrent(run))
            {
                _queue.Dequeue();
                continue;
            }

            if (due > now)
            {
                break;
            }

            _queue.Dequeue();
            if (_running.Add(run.Key))
            {
                _entries[run.Key].IsQueued = false;
                return true;
            }

            // The run of an older edition still goes on; Ended puts this one back.
            _entries[run.Key].IsQueued = false;
        }

        run = default;
        return false;
    }

    /// <summary>A run has ended.</summary>
    /// <param name="run">Which.</param>
    /// <param name="now">When.</param>
    /// <param name="soon">The next run comes this much later at the latest, out of phase; null: when it is its turn.</param>
    /// <returns>Whether its result counts: the check is still wanted as it was then.</returns>
    public bool Ended(DueRun run, TimeSpan now, TimeSpan? soon = null)
    {
        _running.Remove(run.Key);
        if (!_entries.TryGetValue(run.Key, out Entry? entry))
        {
            return false;
        }

        bool counts = entry.Edition == run.Edition;
        if (!entry.IsQueued)
        {
            TimeSpan turn = counts ? entry.TurnAfter(now) : now;
            Await(run.Key, entry, soon is { } pause && now + pause < turn ? now + pause : turn);
        }

        return counts;
    }

    private void Await(CheckKey key, Entry entry, TimeSpan due)
    {
        entry.IsQueued = true;
        _queue.Enqueue(new(key, entry.Edition), due);
    }

    private bool IsCurrent(DueRun run) => _entries.TryGetValue(run.Key, out Entry? entry) && entry.Edition == run.Edition;

    private void DropStale()
    {
        while (_queue.TryPeek(out DueRun run, out _) && !IsCurrent(run))
        {
            _queue.Dequeue();
        }
    }

    private sealed class Entry(long edition, TimeSpan interval, TimeSpan phase)
    {
        public long Edition { get; } = edition;

        /// <summary>Whether the queue holds its next run.</summary>
        public bool IsQueued { get; set; }

        /// <summary>The next moment that is the phase past a whole number of intervals: turns that a long run slept through are left out.</summary>
        public TimeSpan TurnAfter(TimeSpan now)
        {
            long turns = (now - phase).Ticks / interval.Ticks;
            TimeSpan turn = phase + (interval * turns);
            return turn > now ? turn : turn + interval;
        }
    }
}
