namespace Discovery.Simulator.Checks;

/// <summary>
/// Proves that revisions tell one order of all keys that agrees with real time: no two acknowledged writes share a
/// revision; whatever was called after an answer with revision r was heard has a revision of at least r, a write one
/// above r. Exact for what it claims, and together with a linearization of each key it is as strong as one of all keys:
/// revisions order them. A serializable read may be old, but what it has seen was committed, so it counts as heard.
/// Linear in the operations, but for sorting.
/// </summary>
internal static class RevisionOrderCheck
{
    private const string Name = "revision order";

    /// <summary>The first violation; null when there is none.</summary>
    public static Violation? Check(History history)
    {
        var writers = new Dictionary<long, Operation>();
        var events = new List<(long At, bool IsReturn, Operation Operation)>();
        foreach (Operation operation in history.Operations)
        {
            if (operation.Answer is not { Revision: > 0 } answer)
            {
                continue;
            }

            if (HasWritten(operation) && !writers.TryAdd(answer.Revision, operation))
            {
                return At(operation, $"two writes have revision {answer.Revision}:\n  {writers[answer.Revision]}\n  {operation}");
            }

            events.Add((operation.CallEvent, false, operation));
            events.Add((operation.ReturnEvent, true, operation));
        }

        return CheckRealTime(events);
    }

    /// <summary>Whether it surely changed something, by its own answer.</summary>
    public static bool HasWritten(Operation operation)
    {
        if (operation.Answer is not { } answer)
        {
            return false;
        }

        IReadOnlyList<KvAction> done = answer.Succeeded ? operation.Request.Success : operation.Request.Failure;
        return done.Any(static action => action.Kind == KvActionKind.Put) || answer.Results.Any(static result => result.Deleted > 0);
    }

    private static Violation? CheckRealTime(List<(long At, bool IsReturn, Operation Operation)> events)
    {
        events.Sort(static (left, right) => left.At.CompareTo(right.At));
        Operation? newest = null;
        var newestAtCall = new Dictionary<Operation, Operation>();
        foreach ((long _, bool isReturn, Operation operation) in events)
        {
            if (!isReturn)
            {
                if (newest is not null && !operation.Request.IsSerializable)
                {
                    newestAtCall.Add(operation, newest);
                }

                continue;
            }

            long revision = operation.Answer!.Revision;
            if (newestAtCall.Remove(operation, out Operation? before))
            {
                long floor = before.Answer!.Revision;
                bool writes = HasWritten(operation);
                if (revision < floor || (writes && revision == floor))
                {
                    return At(
                        operation,
                        $"revision {revision} was answered to what was called after revision {floor} had been; wanted {(writes ? "above" : "at least")} {floor}:\n"
                        + $"  {before}\n  {operation}");
                }
            }

            newest = newest is null || revision > newest.Answer!.Revision ? operation : newest;
        }

        return null;
    }

    private static Violation At(Operation operation, string text) => new(Name, text, operation.CallEvent, operation.Returned ?? operation.Called);
}
