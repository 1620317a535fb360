using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Proves that the cluster comes back once faults have stopped: soon a leader that all follow, and from then on; every
/// operation that was begun ends; every member applies the same last entry. Only as exact as the driver's claim that
/// nothing is broken any more: every member runs, every message arrives. Deadlines are in <see cref="CheckLimits"/>.
/// </summary>
/// <remarks>The driver calls <see cref="FaultsStopped"/>, and then <see cref="Observe"/> every few steps until <see cref="IsSettled"/>.</remarks>
internal sealed class LivenessCheck(RunPosition position)
{
    private const string Name = "liveness";

    private TimeSpan? _stopped;

    /// <summary>Whether faults have stopped and everything that was waited for has happened.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>From here on nothing is broken.</summary>
    public void FaultsStopped() => (_stopped, IsSettled) = (position.Now, false);

    /// <summary>Something is broken again: nothing is promised.</summary>
    public void FaultsBegin() => (_stopped, IsSettled) = (null, false);

    /// <summary>How things stand.</summary>
    /// <param name="leader">Who leads and is followed by all; null when they do not agree.</param>
    /// <param name="pending">Operations begun and not ended.</param>
    /// <param name="applied">What each member has applied.</param>
    public void Observe(NodeId? leader, int pending, IReadOnlyList<(NodeId Member, ulong Index)> applied)
    {
        if (_stopped is not { } stopped)
        {
            return;
        }

        TimeSpan since = position.Now - stopped;
        if (leader is null && since > CheckLimits.LeaderWithin)
        {
            position.Fail(Name, $"{since} after faults stopped the members follow no common leader; wanted one within {CheckLimits.LeaderWithin}");
        }

        bool isSame = applied.All(one => one.Index == applied[0].Index);
        if (pending > 0 && since > CheckLimits.OperationsWithin)
        {
            position.Fail(Name, $"{since} after faults stopped {pending} operations have not ended; wanted all within {CheckLimits.OperationsWithin}");
        }

        if (!isSame && pending == 0 && since > CheckLimits.SameIndexWithin)
        {
            position.Fail(
                Name,
                $"{since} after faults stopped members stand at {string.Join(", ", applied.Select(static one => $"{one.Member}: {one.Index}"))}; wanted the same within {CheckLimits.SameIndexWithin}");
        }

        IsSettled = leader is not null && pending == 0 && isSame;
    }
}
