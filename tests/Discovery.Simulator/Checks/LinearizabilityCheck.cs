using System.Text;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Proves that what clients saw could have happened one request at a time, each between its call and its answer
/// (linearizability), with etcd's keyspace as the specification: values, versions, revisions, conditions, previous pairs.
/// Needs nothing but the clients' history. Exact but for two things: revisions of unanswered writes that nobody ever
/// read are bounded, not known, and the search may end "undecided", which counts as a violation of its own. About one
/// step an operation; 100,000 operations take about a second.
/// </summary>
internal static class LinearizabilityCheck
{
    private const string Name = "linearizability";

    /// <summary>The first violation; null when there is none.</summary>
    /// <param name="history">What clients saw, from an empty keyspace on.</param>
    /// <param name="stepsMax">Attempts for each partition before it is undecided.</param>
    public static Violation? Check(History history, long stepsMax = CheckLimits.SearchStepsMax)
    {
        if (RevisionOrderCheck.Check(history) is { } disorder)
        {
            return disorder;
        }

        IReadOnlyList<Partition> partitions = Partition.Divide(history);
        foreach (Partition partition in partitions)
        {
            UnknownOutcomes.Settle(partition);
        }

        var free = new FreeRevisions(partitions.SelectMany(static one => one.Operations).Where(static one => one.HasWritten).Select(static one => one.Revision));
        foreach (Partition partition in partitions)
        {
            var search = new LinearizationSearch(partition, free, stepsMax);
            SearchVerdict verdict = search.Run();
            if (verdict != SearchVerdict.Linearizable)
            {
                return Report(partition, free, search, verdict);
            }
        }

        return null;
    }

    private static Violation Report(Partition partition, FreeRevisions free, LinearizationSearch search, SearchVerdict verdict)
    {
        var text = new StringBuilder();
        string keys = string.Join(", ", partition.Keys.Select(static key => key.ToStringUtf8()));
        text.AppendLine(verdict == SearchVerdict.Violated
            ? $"no order of the {partition.Operations.Count} operations on {keys} explains their answers. The longest that does ends with:"
            : $"undecided: {search.Steps:N0} steps did not find an order of the {partition.Operations.Count} operations on {keys}, nor rule one out. The longest ends with:");
        foreach (PartitionOperation operation in search.Tail)
        {
            text.AppendLine($"    {operation.Source}");
        }

        foreach (IGrouping<string, PartitionState> same in search.StuckStates.GroupBy(partition.TextOf))
        {
            text.AppendLine($"  then the state is {same.Key}, and none of these can be next:");
            PartitionState state = same.First();
            foreach (PartitionOperation operation in search.Stuck.OrderBy(static one => one.Revision))
            {
                text.AppendLine($"    {operation.Source}: {WhyNot(state, operation, free)}");
            }
        }

        Operation stuck = (search.Stuck.Count > 0 ? search.Stuck[0] : partition.Operations[^1]).Source;
        return new Violation(Name, text.ToString(), stuck.CallEvent, stuck.Returned ?? stuck.Called);
    }

    private static string WhyNot(PartitionState state, PartitionOperation operation, FreeRevisions free) =>
        KeyspaceModel.Step(state, operation, operation.Succeeded, free, out _) ?? "it comes later by its revision, or leads nowhere";
}
