using Discovery.Simulator.Checks;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;

namespace Discovery.Simulator;

/// <summary>What one seed is made of: time, chance, the order of everything, and the record of it.</summary>
internal sealed class Simulation
{
    private ViolationException? _broken;

    /// <param name="seed">All chance comes from it.</param>
    /// <param name="drift">The greatest error of a clock's rate.</param>
    public Simulation(long seed, double drift = 0)
    {
        Seed = seed;
        Trace = new Trace(() => Events.Now);
        Observer = new Observer(this, drift);
    }

    public long Seed { get; }

    public EventQueue Events { get; } = new();

    public ContinuationQueue Continuations { get; } = new();

    public Trace Trace { get; }

    public Tally Tally { get; } = new();

    /// <summary>Where the run stands, for the checkers.</summary>
    public RunPosition Position { get; } = new();

    public Observer Observer { get; }

    public TimeSpan Now => Events.Now;

    /// <summary>The chance of one part.</summary>
    public Chance ChanceOf(string part) => new(Seed, part);

    /// <summary>Lets everything happen up to a moment.</summary>
    /// <exception cref="ViolationException">A promise was broken.</exception>
    public void RunUntil(TimeSpan end)
    {
        while (Step(end))
        {
            // One event after the other: that is all there is.
        }
    }

    /// <summary>Lets things happen until the condition holds; false when the moment came first.</summary>
    /// <exception cref="ViolationException">A promise was broken.</exception>
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

    /// <summary>Ends the run with this step: something happened that no fault explains, or a checker said so.</summary>
    public void Stop(string where, Exception e) => _broken ??= e as ViolationException
        ?? new ViolationException(new Violation(where, e.ToString(), Events.Steps, Now));

    private bool Step(TimeSpan end)
    {
        if (Events.TakeNext(end) is not { } action)
        {
            return false;
        }

        Position.Step = Events.Steps;
        Position.Now = Now;
        action();
        Continuations.Pump();
        return _broken is null ? true : throw _broken;
    }
}
