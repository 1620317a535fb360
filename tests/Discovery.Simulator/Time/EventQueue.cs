namespace Discovery.Simulator.Time;

/// <summary>
/// Simulated time and what is to happen in it. Events of one moment happen in the order in which they were scheduled,
/// so that a seed has one course only.
/// </summary>
internal sealed class EventQueue
{
    private Event[] _heap = new Event[256];
    private int _count;
    private long _scheduled;

    /// <summary>Time since the simulation began.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Events that have happened.</summary>
    public long Steps { get; private set; }

    /// <summary>Has something happen after a time; never in the past.</summary>
    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Has something happen at a moment, or now when that is over.</summary>
    public void At(TimeSpan when, Action action)
    {
        if (_count == _heap.Length)
        {
            Array.Resize(ref _heap, _count * 2);
        }

        var entering = new Event(Math.Max(when.Ticks, Now.Ticks), _scheduled++, action);
        int at = _count++;
        while (at > 0 && entering.IsBefore(_heap[(at - 1) / 2]))
        {
            _heap[at] = _heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }

        _heap[at] = entering;
    }

    /// <summary>Moves time to the next event and takes it; null when none is left up to the moment, which is then now.</summary>
    public Action? TakeNext(TimeSpan until)
    {
        if (_count == 0 || _heap[0].Ticks > until.Ticks)
        {
            Now = until > Now ? until : Now;
            return null;
        }

        Event first = _heap[0];
        RemoveFirst();
        Now = TimeSpan.FromTicks(first.Ticks);
        Steps++;
        return first.Action;
    }

    private void RemoveFirst()
    {
        Event moving = _heap[--_count];
        _heap[_count] = default;
        int at = 0;
        for (int child = 1; child < _count; child = (2 * at) + 1)
        {
            child += child + 1 < _count && _heap[child + 1].IsBefore(_heap[child]) ? 1 : 0;
            if (!_heap[child].IsBefore(moving))
            {
                break;
            }

            _heap[at] = _heap[child];
            at = child;
        }

        if (_count > 0)
        {
            _heap[at] = moving;
        }
    }

    private readonly record struct Event(long Ticks, long Sequence, Action Action)
    {
        public bool IsBefore(in Event other) => Ticks != other.Ticks ? Ticks < other.Ticks : Sequence < other.Sequence;
    }
}
