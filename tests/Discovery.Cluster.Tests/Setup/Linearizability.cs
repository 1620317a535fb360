using System.Diagnostics;
using Discovery.Simulator.Checks;
using Discovery.Testing.Histories;
using Operation = Discovery.Testing.Histories.Operation;

namespace Discovery.Cluster.Tests.Setup;

/// <summary>Has the simulator's checker judge what clients of real processes saw.</summary>
internal static class Linearizability
{
    /// <summary>Throws with the first violation.</summary>
    public static void Holds(IReadOnlyList<Operation> operations)
    {
        var history = new History();
        var called = new Dictionary<Operation, Simulator.Checks.Operation>(ReferenceEqualityComparer.Instance);
        var events = operations.Select(static o => (At: o.Called, IsReturn: false, Operation: o))
            .Concat(operations.Select(static o => (At: o.Returned, IsReturn: true, Operation: o)));

        // At the same tick a call comes first: what may have overlapped did.
        foreach ((long at, bool isReturn, Operation operation) in events.OrderBy(static e => e.At).ThenBy(static e => e.IsReturn))
        {
            TimeSpan now = TimeSpan.FromSeconds((double)at / Stopwatch.Frequency);
            if (!isReturn)
            {
                called.Add(operation, history.Call(operation.Client, operation.Request!, now));
                continue;
            }

            switch (operation.Outcome)
            {
                case Outcome.Ok:
                    history.Return(called[operation], operation.Response!, now);
                    break;
                case Outcome.Failed:
                    history.Refused(called[operation], now);
                    break;
                default:
                    history.Unknown(called[operation], now);
                    break;
            }
        }

        if (LinearizabilityCheck.Check(history) is { } violation)
        {
            throw new HistoryViolationException($"{violation}");
        }
    }
}
