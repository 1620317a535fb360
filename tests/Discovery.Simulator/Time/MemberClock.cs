namespace Discovery.Simulator.Time;

/// <summary>
/// The clock of one machine: it runs a little slow or fast, and somebody may set it. What lasts is measured by the
/// monotonic clock, which nobody sets but whose rate may change.
/// </summary>
internal sealed class MemberClock(EventQueue events) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private TimeSpan _atGlobal;
    private TimeSpan _atLocal;
    private TimeSpan _set;

    /// <summary>Local seconds in one second.</summary>
    public double Rate { get; private set; } = 1;

    /// <summary>The monotonic clock.</summary>
    public TimeSpan Elapsed => _atLocal + ((events.Now - _atGlobal) * Rate);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => Elapsed.Ticks;

    public override DateTimeOffset GetUtcNow() => Start + Elapsed + _set;

    /// <summary>From now on it runs at this rate.</summary>
    public void SetRate(double rate)
    {
        (_atLocal, _atGlobal) = (Elapsed, events.Now);
        Rate = rate;
    }

    /// <summary>Somebody sets the time of day.</summary>
    public void Set(TimeSpan by) => _set += by;

    /// <summary>How long a local time lasts at the present rate.</summary>
    public TimeSpan Lasts(TimeSpan local) => local / Rate;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ClockTimer(this, events, () => callback(state), SynchronizationContext.Current as Continuations);
        _ = timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>A timer of a process on this machine: it dies and pauses with the process that made it.</summary>
    private sealed class ClockTimer(MemberClock clock, EventQueue events, Action callback, Continuations? owner) : ITimer
    {
        private long _generation;
        private TimeSpan _period;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _generation++;
            _period = period;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Start(dueTime);
            }

            return true;
        }

        public void Dispose() => _generation++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Start(TimeSpan due)
        {
            long generation = _generation;
            events.After(clock.Lasts(due), () =>
            {
                if (generation != _generation || owner is { IsEnded: true })
                {
                    return;
                }

                if (_period > TimeSpan.Zero)
                {
                    Start(_period);
                }

                if (owner is null)
                {
                    callback();
                }
                else
                {
                    owner.Run(callback);
                }
            });
        }
    }
}
