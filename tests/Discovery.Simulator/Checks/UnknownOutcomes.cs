namespace Discovery.Simulator.Checks;

/// <summary>
/// What can be known of operations without an answer before any search, without losing a possibility: a value that only
/// one operation writes and that somebody read was written by it, at the revision that the reader saw; and those that
/// nobody could tell from one another are twins, tried in the order of their calls only.
/// </summary>
internal static class UnknownOutcomes
{
    /// <summary>Marks the operations of a partition.</summary>
    public static void Settle(Partition partition)
    {
        Dictionary<(int Key, int Value), PartitionOperation?> writers = WritersOf(partition);
        Dictionary<(int Key, int Value), (KeyModel Told, long ReturnEvent)> readings = ReadingsOf(partition);
        foreach (((int Key, int Value) pair, (KeyModel told, long returned)) in readings)
        {
            if (writers.GetValueOrDefault(pair) is { IsKnown: false } writer && returned > writer.Source.CallEvent
                && BranchThatPuts(writer, pair) is { } succeeded)
            {
                writer.IsKnown = true;
                writer.Succeeded = succeeded;
                writer.Revision = told.Modified.Min;
                writer.ReturnEvent = returned;
            }
        }

        FindTwins(partition, readings, ValuesInConditions(partition));
    }

    private static Dictionary<(int Key, int Value), PartitionOperation?> WritersOf(Partition partition)
    {
        var writers = new Dictionary<(int, int), PartitionOperation?>();
        foreach (PartitionOperation operation in partition.Operations)
        {
            foreach (PartitionAction put in operation.Success.Concat(operation.Failure).Where(static action => action.Kind == KvActionKind.Put))
            {
                // Null: several operations write it, so a reader does not tell which.
                var pair = (put.Keys[0], put.Value);
                writers[pair] = writers.TryGetValue(pair, out PartitionOperation? other) && other != operation ? null : operation;
            }
        }

        return writers;
    }

    /// <summary>What answers told of each value of each key, and where the first that told it ended.</summary>
    private static Dictionary<(int Key, int Value), (KeyModel Told, long ReturnEvent)> ReadingsOf(Partition partition)
    {
        var readings = new Dictionary<(int, int), (KeyModel, long ReturnEvent)>();
        foreach (PartitionOperation operation in partition.Operations.Where(static one => one.IsKnown))
        {
            foreach (PartitionAction action in operation.Branch(operation.Succeeded))
            {
                for (int i = 0; action.Found is { } found && i < found.Length; i++)
                {
                    var pair = (action.Keys[i], found[i].Value);
                    if (!found[i].IsAbsent && (!readings.TryGetValue(pair, out var first) || operation.ReturnEvent < first.ReturnEvent))
                    {
                        readings[pair] = (found[i], operation.ReturnEvent);
                    }
                }
            }
        }

        return readings;
    }

    /// <summary>The branch that writes the pair; null when both do, or it could have been overwritten by the same operation.</summary>
    private static bool? BranchThatPuts(PartitionOperation writer, (int Key, int Value) pair)
    {
        bool inSuccess = writer.Success.Any(Puts);
        return inSuccess == writer.Failure.Any(Puts) ? null : inSuccess;

        bool Puts(PartitionAction action) => action.Kind == KvActionKind.Put && action.Keys[0] == pair.Key && action.Value == pair.Value;
    }

    private static HashSet<int> ValuesInConditions(Partition partition) =>
        [.. partition.Operations.SelectMany(static one => one.Compares)
            .Where(static compare => compare.Target == EtcdApi.Messages.Compare.Types.CompareTarget.Value)
            .Select(static compare => (int)compare.Wanted)];

    private static void FindTwins(
        Partition partition, Dictionary<(int Key, int Value), (KeyModel Told, long ReturnEvent)> readings, HashSet<int> inConditions)
    {
        var groups = new Dictionary<string, int>();
        foreach (PartitionOperation operation in partition.Operations.Where(static one => !one.IsKnown))
        {
            string look = $"{string.Join(';', operation.Compares)}|{LookOf(operation.Success)}|{LookOf(operation.Failure)}";
            if (!groups.TryGetValue(look, out int number))
            {
                groups.Add(look, number = groups.Count);
            }

            operation.Twins = number;
        }

        string LookOf(PartitionAction[] actions) => string.Join(';', actions.Select(action =>
            $"{action.Kind} {string.Join(',', action.Keys)} {(IsSeen(action) ? action.Value : 0)}"));

        bool IsSeen(PartitionAction action) => action.Kind == KvActionKind.Put
            && (readings.ContainsKey((action.Keys[0], action.Value)) || inConditions.Contains(action.Value));
    }
}
