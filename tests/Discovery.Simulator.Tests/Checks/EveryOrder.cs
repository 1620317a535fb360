using Discovery.Simulator.Checks;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>
/// Linearizability by its definition, without any of the search's shortcuts: every order that agrees with real time, with
/// every choice of unanswered operations, is tried on the model. For a handful of operations.
/// </summary>
internal static class EveryOrder
{
    private static readonly FreeRevisions AnyRevision = new([]);

    public static bool Explains(History history) => Partition.Divide(history).All(
        static partition => Explains(partition.Operations, KeyspaceModel.Initial(partition.Keys.Count)));

    private static bool Explains(IReadOnlyList<PartitionOperation> left, PartitionState state)
    {
        if (left.All(static one => !one.IsKnown))
        {
            return true;
        }

        long firstAnswer = left.Min(static one => one.ReturnEvent);
        return left.Where(one => one.Source.CallEvent < firstAnswer).Any(one =>
            (one.IsKnown ? (bool[])[one.Succeeded] : [true, false]).Any(branch =>
                one.Branch(branch).Length > 0
                && KeyspaceModel.Step(state, one, branch, AnyRevision, out PartitionState next) is null
                && Explains([.. left.Where(other => other != one)], next)));
    }
}
