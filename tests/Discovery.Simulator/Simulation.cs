using Discovery.Simulator.Report;
using Discovery.Simulator.Time;

namespace Discovery.Simulator;

/// <summary>What one seed is made of: time, chance, the order of everything, and the record of it.</summary>
internal sealed class Simulation
{
    private ViolationException? _violation;

    public Simulation(long seed)
    {
        Seed = seed;
        Trace = new Trace(() => Events.Now);
    }

    public long Seed { get; }

    public EventQueue Events { get; } = new();

    public ContinuationQueue Continuations { get; } = new();

    public Trace Trace { get; }

    public Tally Tally { get; } = new();

    public TimeSpan Now => Events.Now;

    /// <summary>Called after each event, when all that it caused is done.</summary>
    public Action? Stepped { get; set; }

    /// <summary>The chance of one part.</summary>
    public Chance ChanceOf(string part) => new(Seed, part);

    /// <summary>Lets everything happen up to a moment.</summary>
    public void RunUntil(TimeSpan end)
    {
        while (Step(end))
        {
            // One event after the other: that is all there is.
        }
    }

    /// <summary>Lets things happen until the condition holds; false when the moment came first.</summary>
    public bool RunUntil(Func<bool> holds, TimeSpan end)
    {
        while (!holds())
        {
            if (!Step(end))
            {
                return holds();
            }
        }

        return true;
    }

    /// <summary>Goes on after a time.</summary>
    public Task WaitAsync(TimeSpan time)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Events.After(time, done.SetResult);
        return done.Task;
    }

    /// <summary>Ends the simulation at the end of this step: a promise was broken.</summary>
    public void Violate(ViolationException violation) => _violation ??= violation;

    private bool Step(TimeSpan end)
    {
        if (Events.TakeNext(end) is not { } action)
        {
            return false;
        }

        action();
        Continuations.Pump();
        Stepped?.Invoke();
        if (_violation is not null)
        {
            throw _violation;
        }

        return true;
    }
}
