namespace Discovery.Testing.Histories;

/// <summary>
/// Compares what clients saw with the store's own history. Every answer names a revision, so the history is a witness: the answers
/// are strictly serializable if each agrees with the state at its revision, and if revisions never go against real time.
/// </summary>
public static class HistoryCheck
{
    private const int ViolationsSaid = 10;

    /// <summary>Finds everything that is wrong.</summary>
    /// <param name="operations">Of all clients.</param>
    /// <param name="changes">All changes of the clients' keys, as one member tells them.</param>
    /// <returns>A line for each violation; none for a right history.</returns>
    public static IReadOnlyList<string> Violations(IReadOnlyList<Operation> operations, IReadOnlyList<Change> changes) =>
    [
        .. RevisionsThatDoNotGrow(changes),
        .. WritesThatAreLost(operations, changes),
        .. ChangesThatNobodyMade(operations, changes),
        .. AnswersThatDisagreeWithTheirRevision(operations, changes),
        .. RevisionsAgainstTime(operations, changes),
    ];

    /// <summary>Throws with the first violations.</summary>
    public static void Holds(IReadOnlyList<Operation> operations, IReadOnlyList<Change> changes)
    {
        IReadOnlyList<string> violations = Violations(operations, changes);
        if (violations.Count > 0)
        {
            throw new HistoryViolationException(
                $"{violations.Count} violations in {operations.Count} operations:\n{string.Join('\n', violations.Take(ViolationsSaid))}");
        }
    }

    private static IEnumerable<string> RevisionsThatDoNotGrow(IReadOnlyList<Change> changes) =>
        from pair in changes.Zip(changes.Skip(1))
        where pair.Second.Revision <= pair.First.Revision
        select $"history goes from revision {pair.First.Revision} to {pair.Second.Revision}";

    private static IEnumerable<string> WritesThatAreLost(IReadOnlyList<Operation> operations, IReadOnlyList<Change> changes)
    {
        Dictionary<long, Change> byRevision = ByRevision(changes);
        foreach (Operation write in operations.Where(static o => o.IsChange))
        {
            if (!byRevision.TryGetValue(write.Revision, out Change? change) || change.Key != write.Key || change.Value != write.Value)
            {
                yield return $"lost: {write}; at its revision is {change?.ToString() ?? "nothing"}";
            }
        }

        foreach (var shared in operations.Where(static o => o.IsChange).GroupBy(static o => o.Revision).Where(static g => g.Count() > 1))
        {
            yield return $"one revision for several writes: {string.Join(" and ", shared)}";
        }
    }

    /// <summary>Each change is that of one write which was acknowledged at its revision, or whose outcome is unknown.</summary>
    private static IEnumerable<string> ChangesThatNobodyMade(IReadOnlyList<Operation> operations, IReadOnlyList<Change> changes)
    {
        HashSet<long> acknowledged = [.. operations.Where(static o => o.IsChange).Select(static o => o.Revision)];
        HashSet<string> unknownValues = [.. operations.Where(static o => o.Outcome == Outcome.Unknown && o.Value is not null).Select(static o => o.Value!)];
        Dictionary<string, int> unknownDeletes = operations
            .Where(static o => o.Outcome == Outcome.Unknown && o.Kind == OperationKind.Delete)
            .CountBy(static o => o.Key)
            .ToDictionary();
        foreach (Change change in changes.Where(c => !acknowledged.Contains(c.Revision)))
        {
            if (change.Value is not null)
            {
                // Removed, so that a write which took effect twice is found.
                if (!unknownValues.Remove(change.Value))
                {
                    yield return $"nobody's, failed or twice: {change}";
                }
            }
            else if ((unknownDeletes[change.Key] = unknownDeletes.GetValueOrDefault(change.Key) - 1) < 0)
            {
                yield return $"nobody's delete: {change}";
            }
        }
    }

    private static IEnumerable<string> AnswersThatDisagreeWithTheirRevision(IReadOnlyList<Operation> operations, IReadOnlyList<Change> changes)
    {
        var state = new Dictionary<string, string?>();
        int next = 0;
        foreach (Operation answer in operations.Where(static o => o.Outcome == Outcome.Ok).OrderBy(SeenRevision))
        {
            for (; next < changes.Count && changes[next].Revision <= SeenRevision(answer); next++)
            {
                state[changes[next].Key] = changes[next].Value;
            }

            string? value = state.GetValueOrDefault(answer.Key);
            bool isRight = answer.Kind switch
            {
                OperationKind.Get => answer.Found == value,
                OperationKind.Delete => answer.HasChanged == value is not null,
                OperationKind.CompareAndSwap when answer.HasChanged => answer.Expected == value,
                OperationKind.CompareAndSwap => answer.Found == value && answer.Expected != value,
                _ => true,
            };
            if (!isRight)
            {
                yield return $"wrong at its revision: {answer}; the key was {value?.Split('.')[0] ?? "absent"}";
            }
        }
    }

    /// <summary>What was called after an answer came is at that answer's revision or a later one; what changes is at a later one.</summary>
    private static IEnumerable<string> RevisionsAgainstTime(IReadOnlyList<Operation> operations, IReadOnlyList<Change> changes)
    {
        List<Operation> answers = [.. operations.Where(static o => o.Outcome == Outcome.Ok)];
        var byReturn = new Queue<Operation>(answers.OrderBy(static o => o.Returned));
        Operation? newest = null;
        foreach (Operation placed in answers.Concat(UnknownThatTookEffect(operations, changes)).OrderBy(static o => o.Called))
        {
            while (byReturn.TryPeek(out Operation? returned) && returned.Returned < placed.Called)
            {
                newest = byReturn.Dequeue().Revision > (newest?.Revision ?? 0) ? returned : newest;
            }

            if (newest is not null && (placed.HasChanged ? placed.Revision <= newest.Revision : placed.Revision < newest.Revision))
            {
                yield return $"stale: {placed}; it was called after the answer to {newest}";
            }
        }
    }

    /// <summary>Writes without an answer whose value is in the history, with its revision: they came before nothing that was answered before.</summary>
    private static IEnumerable<Operation> UnknownThatTookEffect(IReadOnlyList<Operation> operations, IReadOnlyList<Change> changes)
    {
        Dictionary<string, long> revisions = [];
        foreach (Change change in changes.Where(static c => c.Value is not null))
        {
            revisions.TryAdd(change.Value!, change.Revision);
        }

        return operations
            .Where(o => o.Outcome == Outcome.Unknown && o.Value is not null && revisions.ContainsKey(o.Value))
            .Select(o => o with { HasChanged = true, Revision = revisions[o.Value!] });
    }

    /// <summary>A change saw the state before itself, everything else the state at its revision.</summary>
    private static long SeenRevision(Operation answer) => answer.HasChanged ? answer.Revision - 1 : answer.Revision;

    private static Dictionary<long, Change> ByRevision(IReadOnlyList<Change> changes)
    {
        // Not ToDictionary: a history that repeats a revision is told of, and must not throw here.
        var byRevision = new Dictionary<long, Change>();
        foreach (Change change in changes)
        {
            byRevision.TryAdd(change.Revision, change);
        }

        return byRevision;
    }
}

/// <summary>A history that no correct store can have.</summary>
public sealed class HistoryViolationException(string message) : Exception(message);
