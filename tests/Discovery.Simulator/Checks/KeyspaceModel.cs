using CompareResult = Discovery.EtcdApi.Messages.Compare.Types.CompareResult;
using CompareTarget = Discovery.EtcdApi.Messages.Compare.Types.CompareTarget;

namespace Discovery.Simulator.Checks;

/// <summary>
/// etcd's keyspace as a specification: whether an operation may come next after a state, with the answer it had, and
/// what state follows. Revisions make it nearly deterministic. Where an earlier write's revision is only known by bounds,
/// the model gives the benefit of the doubt: it never calls a right answer wrong; it may miss a wrong one that depends
/// on a revision which no answer ever told.
/// </summary>
internal static class KeyspaceModel
{
    /// <summary>Every key absent, before any revision.</summary>
    public static PartitionState Initial(int keys) => new(new KeyModel[keys], 0);

    /// <summary>
    /// Takes one step. Null and the next state when the operation fits; else why it does not.
    /// </summary>
    /// <param name="state">Before.</param>
    /// <param name="operation">What comes next.</param>
    /// <param name="succeeded">Which of its branches is taken.</param>
    /// <param name="free">What is left for writes whose revision is not known.</param>
    /// <param name="next">After.</param>
    public static string? Step(
        PartitionState state, PartitionOperation operation, bool succeeded, FreeRevisions free, out PartitionState next)
    {
        next = state;
        long revision = operation.IsKnown ? operation.Revision : 0;
        if (revision > 0 && revision < state.Floor)
        {
            return "its revision is below one that was reached";
        }

        var written = revision > 0 ? RevisionBounds.Exactly(revision) : RevisionBounds.From(free.After(state.Floor));
        var step = new Work((KeyModel[])state.Keys.Clone(), written);
        if ((step.Check(operation.Compares, succeeded) ?? step.Do(operation.Branch(succeeded))) is { } refused)
        {
            return refused;
        }

        if (!operation.IsKnown && !step.HasWritten)
        {
            return "it would change nothing";
        }

        if (revision > 0 && step.HasWritten && revision == state.Floor)
        {
            return "its revision was reached before";
        }

        if (revision > 0 && step.Cap(step.HasWritten ? revision - 1 : revision, revision) is { } late)
        {
            return late;
        }

        next = new PartitionState(step.Keys, revision > 0 ? revision : step.HasWritten ? written.Min : state.Floor);
        return null;
    }

    /// <summary>
    /// Whether the operation can have no effect after this state any more: it wants to find a revision that is gone, and
    /// new ones are greater.
    /// </summary>
    public static bool IsDead(PartitionState state, PartitionOperation operation)
    {
        if (operation.Failure.Any(static action => action.Kind != KvActionKind.Get))
        {
            return false;
        }

        foreach (PartitionCompare compare in operation.Compares)
        {
            if (compare is { Result: CompareResult.Equal, Target: CompareTarget.Mod or CompareTarget.Create, Wanted: > 0 }
                && compare.Wanted <= state.Floor
                && !BoundsOf(state.Keys[compare.Key], compare.Target).Contains(compare.Wanted))
            {
                return true;
            }
        }

        return false;
    }

    private static RevisionBounds BoundsOf(in KeyModel key, CompareTarget target) => target switch
    {
        CompareTarget.Version => RevisionBounds.Exactly(key.Version),
        CompareTarget.Create => key.Created,
        _ => key.Modified,
    };

    /// <summary>The keys while one operation works on them.</summary>
    private ref struct Work(KeyModel[] keys, RevisionBounds written)
    {
        public KeyModel[] Keys { get; } = keys;

        public bool HasWritten { get; private set; }

        public readonly string? Check(PartitionCompare[] compares, bool succeeded)
        {
            bool mayFail = false;
            foreach (PartitionCompare compare in compares)
            {
                (bool mayHold, bool mayNot) = Evaluate(Keys[compare.Key], compare);
                mayFail |= mayNot;
                if (succeeded && !mayHold)
                {
                    return "a condition does not hold";
                }

                if (succeeded && mayNot)
                {
                    Keys[compare.Key] = Narrow(Keys[compare.Key], compare);
                }
            }

            return succeeded || mayFail ? null : "all conditions hold";
        }

        public string? Do(PartitionAction[] actions)
        {
            foreach (PartitionAction action in actions)
            {
                if ((Find(action) ?? Change(action)) is { } refused)
                {
                    return refused;
                }
            }

            return null;
        }

        /// <summary>
        /// What was written before, at a revision that nobody told, was written at <paramref name="max"/> at the latest;
        /// and nothing was written above the operation's own revision.
        /// </summary>
        public readonly string? Cap(long max, long revision)
        {
            for (int i = 0; i < Keys.Length; i++)
            {
                KeyModel key = Keys[i];
                if (!key.IsAbsent)
                {
                    Keys[i] = key with { Created = Capped(key.Created, max), Modified = Capped(key.Modified, max) };
                    if (Keys[i].Modified.Min > Math.Min(Keys[i].Modified.Max, revision))
                    {
                        return "a write before it has a later revision";
                    }
                }
            }

            return null;
        }

        private readonly string? Find(PartitionAction action)
        {
            for (int i = 0; action.Found is { } found && i < found.Length; i++)
            {
                KeyModel told = found[i];
                KeyModel key = Keys[action.Keys[i]];
                if (told.IsAbsent || key.IsAbsent)
                {
                    if (told.IsAbsent != key.IsAbsent)
                    {
                        return told.IsAbsent ? "the key is there" : "the key is absent";
                    }

                    continue;
                }

                if (told.Value != key.Value || told.Version != key.Version)
                {
                    return told.Value != key.Value ? "the value is another" : "the version is another";
                }

                if (!key.Modified.Contains(told.Modified.Min) || !key.Created.Contains(told.Created.Min)
                    || (key.Version == 1 && told.Modified != told.Created))
                {
                    return "its mod_revision or create_revision is another";
                }

                Keys[action.Keys[i]] = told;
            }

            return null;
        }

        private string? Change(PartitionAction action)
        {
            if (action.Kind == KvActionKind.Get)
            {
                return null;
            }

            long deleted = 0;
            foreach (int i in action.Keys)
            {
                KeyModel key = Keys[i];
                if (action.Kind == KvActionKind.Put)
                {
                    Keys[i] = new KeyModel(action.Value, key.Version + 1, key.IsAbsent ? written : key.Created, written);
                    HasWritten = true;
                }
                else if (!key.IsAbsent)
                {
                    Keys[i] = KeyModel.Absent;
                    HasWritten = true;
                    deleted++;
                }
            }

            return action.Kind == KvActionKind.Delete && action.Deleted >= 0 && action.Deleted != deleted
                ? "it would delete another number of keys"
                : null;
        }

        private static RevisionBounds Capped(RevisionBounds bounds, long max) =>
            bounds.IsExact ? bounds : bounds with { Max = Math.Min(bounds.Max, max) };

        private static (bool MayHold, bool MayNot) Evaluate(in KeyModel key, in PartitionCompare compare)
        {
            if (compare.Target == CompareTarget.Value)
            {
                // etcd: a condition on the value of an absent key never holds.
                bool holds = !key.IsAbsent && (compare.Result == CompareResult.Equal) == (key.Value == compare.Wanted);
                return (holds, !holds);
            }

            RevisionBounds bounds = BoundsOf(key, compare.Target);
            bool canEqual = bounds.Contains(compare.Wanted);
            bool canDiffer = !bounds.IsExact || bounds.Min != compare.Wanted;
            return compare.Result switch
            {
                CompareResult.Equal => (canEqual, canDiffer),
                CompareResult.NotEqual => (canDiffer, canEqual),
                CompareResult.Greater => (bounds.Max > compare.Wanted, bounds.Min <= compare.Wanted),
                _ => (bounds.Min < compare.Wanted, bounds.Max >= compare.Wanted),
            };
        }

        /// <summary>What a condition that held says about a revision that was not known.</summary>
        private static KeyModel Narrow(in KeyModel key, in PartitionCompare compare)
        {
            RevisionBounds bounds = BoundsOf(key, compare.Target);
            RevisionBounds narrow = compare.Result switch
            {
                CompareResult.Equal => RevisionBounds.Exactly(compare.Wanted),
                CompareResult.Greater => bounds with { Min = Math.Max(bounds.Min, compare.Wanted + 1) },
                CompareResult.Less => bounds with { Max = Math.Min(bounds.Max, compare.Wanted - 1) },
                _ => bounds,
            };
            bool isCreate = compare.Target == CompareTarget.Create;
            return key with
            {
                Created = isCreate || key.Version == 1 ? narrow : key.Created,
                Modified = !isCreate || key.Version == 1 ? narrow : key.Modified,
            };
        }
    }
}
