using Discovery.Simulator.Time;

namespace Discovery.Simulator.Network;

/// <summary>
/// The way from one member to another. Messages arrive as they were sent, one after the other, unless a fault wants it
/// otherwise.
/// </summary>
internal sealed class SimulatedLink(Simulation simulation, Chance chance)
{
    private readonly List<Action> _clogged = [];
    private TimeSpan _busyUntil;
    private TimeSpan _lastArrival;

    public LinkFaults Faults { get; } = new();

    /// <summary>Has the message arrive, once, twice or never.</summary>
    public void Send(int bytes, Action arrive)
    {
        if (Faults.IsCut || Faults.IsSevered || chance.Happens(Faults.Loss))
        {
            simulation.Tally.Add("messages lost");
            return;
        }

        if (Faults.IsClogged)
        {
            _clogged.Add(arrive);
            return;
        }

        Deliver(bytes, arrive);
        if (chance.Happens(Faults.Duplication))
        {
            simulation.Tally.Add("messages repeated");
            Deliver(bytes, arrive);
        }
    }

    /// <summary>Nothing is wrong with it any more.</summary>
    public void Heal()
    {
        Faults.Clear();
        Unclog();
    }

    /// <summary>What was held back arrives.</summary>
    public void Unclog()
    {
        Faults.IsClogged = false;
        foreach (Action arrive in _clogged)
        {
            Deliver(0, arrive);
        }

        _clogged.Clear();
    }

    private void Deliver(int bytes, Action arrive)
    {
        TimeSpan start = _busyUntil > simulation.Now ? _busyUntil : simulation.Now;
        _busyUntil = start + TimeSpan.FromSeconds(bytes / Faults.Bandwidth);
        if (chance.Happens(Faults.Reordering))
        {
            simulation.Tally.Add("messages overtaken");
            TimeSpan max = chance.Happens(NetworkLimits.LateProbability) ? NetworkLimits.LateMax : NetworkLimits.OvertakenMax;
            simulation.Events.At(_busyUntil + Latency() + (max * chance.Fraction()), arrive);
            return;
        }

        // None overtakes another on its own: that is what a connection is.
        TimeSpan at = _busyUntil + Latency() + Faults.Delay;
        _lastArrival = at > _lastArrival ? at : _lastArrival;
        simulation.Events.At(_lastArrival, arrive);
    }

    private TimeSpan Latency() => NetworkLimits.LatencyMin + chance.Around(NetworkLimits.JitterMean);
}
