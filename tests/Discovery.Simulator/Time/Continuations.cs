using Discovery.Raft;

namespace Discovery.Simulator.Time;

/// <summary>What is to be continued, of everybody, first come first served.</summary>
internal sealed class ContinuationQueue
{
    private readonly Queue<(Continuations Owner, SendOrPostCallback Callback, object? State)> _waiting = new();
    private readonly Thread _thread = Thread.CurrentThread;

    /// <summary>Continuations that ran.</summary>
    public long Ran { get; private set; }

    /// <summary>Runs them until none is left; what they cause to be continued too.</summary>
    public void Pump()
    {
        while (_waiting.TryDequeue(out (Continuations Owner, SendOrPostCallback Callback, object? State) next))
        {
            Ran++;
            next.Owner.Run(next.Callback, next.State);
        }
    }

    public void Add(Continuations owner, SendOrPostCallback callback, object? state)
    {
        // Whatever comes from another thread comes at a moment that no seed decides.
        Invariant.Holds(Thread.CurrentThread == _thread);
        _waiting.Enqueue((owner, callback, state));
    }
}

/// <summary>
/// Where asynchronous code of one process goes on after an await. Nothing of it runs by itself: the simulator pumps. A
/// process that has died goes on nowhere; one that is paused goes on when it is resumed.
/// </summary>
internal sealed class Continuations(ContinuationQueue queue) : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _held = new();
    private bool _isPaused;

    /// <summary>What a continuation threw, which nobody awaits.</summary>
    public Action<Exception>? Failed { get; init; }

    /// <summary>Has something go on later than it could; null: at once.</summary>
    public Action<Action>? Delayed { get; set; }

    public bool IsEnded { get; private set; }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Delayed is { } delayed)
        {
            delayed(() => queue.Add(this, d, state));
        }
        else
        {
            queue.Add(this, d, state);
        }
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("nobody may wait for a continuation");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Runs a part of the process, so that what it awaits comes back here.</summary>
    public void Run(SendOrPostCallback callback, object? state)
    {
        if (IsEnded)
        {
            return;
        }

        if (_isPaused)
        {
            _held.Enqueue((callback, state));
            return;
        }

        SynchronizationContext? before = Current;
        SetSynchronizationContext(this);
        try
        {
            callback(state);
        }
        catch (Exception e) when (Failed is not null)
        {
            Failed(e);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    /// <summary>Runs an action as part of the process.</summary>
    public void Run(Action action) => Run(static run => ((Action)run!)(), action);

    public void Pause() => _isPaused = true;

    public void Resume()
    {
        _isPaused = false;
        while (_held.TryDequeue(out (SendOrPostCallback Callback, object? State) next))
        {
            queue.Add(this, next.Callback, next.State);
        }
    }

    /// <summary>The process is dead.</summary>
    public void End()
    {
        IsEnded = true;
        _held.Clear();
    }
}
