namespace Discovery.Simulator.Checks;

/// <summary>What a search has found.</summary>
internal enum SearchVerdict
{
    Linearizable,
    Violated,
    Undecided,
}

/// <summary>
/// Looks for one order of a partition's operations that agrees with real time and with <see cref="KeyspaceModel"/>: Wing
/// and Gong's search (1993) with Lowe's memory of places already visited (2017), a place being the operations that were
/// taken and the state they led to. Complete: it says "violated" only when no order exists. What keeps it near one step
/// an operation: answered operations must come in the order of their revisions, operations without an answer are tried
/// last, and of twins only the eldest.
/// </summary>
internal sealed class LinearizationSearch
{
    private readonly List<PartitionOperation> _operations;
    private readonly KnownOperations _known;
    private readonly int[] _unknown;
    private readonly bool[] _taken;
    private readonly int[] _twinsTaken;
    private readonly long[] _ranks;
    private readonly HashSet<UInt128> _visited = [];
    private readonly Stack<Frame> _path = new();
    private readonly long _stepsMax;
    private PartitionState _state;
    private UInt128 _takenHash;
    private int _rankedTaken;
    private long _deepest = -1;

    public LinearizationSearch(Partition partition, long stepsMax)
    {
        _operations = partition.Operations;
        _stepsMax = stepsMax;
        _state = KeyspaceModel.Initial(partition.Keys.Count);
        _known = new KnownOperations(_operations);
        _unknown = [.. Enumerable.Range(0, _operations.Count).Where(i => !_operations[i].IsKnown)];
        _taken = new bool[_operations.Count];
        _twinsTaken = new int[_unknown.Length];
        _ranks = [.. _operations.Where(static one => one.IsKnown && one.Revision > 0).Select(RankOf).Order()];
    }

    /// <summary>Attempts so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Where the longest order ended: its last operations, oldest first.</summary>
    public IReadOnlyList<PartitionOperation> Tail { get; private set; } = [];

    /// <summary>The states in which orders of that length ended.</summary>
    public List<PartitionState> StuckStates { get; } = [];

    /// <summary>Operations that could have come next there by real time.</summary>
    public IReadOnlyList<PartitionOperation> Stuck { get; private set; } = [];

    /// <summary>Runs to the end, or to the bound.</summary>
    public SearchVerdict Run()
    {
        Cursor cursor = _known.First;
        while (_known.Remaining > 0)
        {
            if (Steps > _stepsMax)
            {
                return SearchVerdict.Undecided;
            }

            if (TryNext(ref cursor, out Frame frame))
            {
                Take(frame);
                cursor = _known.First;
                continue;
            }

            RememberStuck();
            if (!_path.TryPop(out Frame last))
            {
                return SearchVerdict.Violated;
            }

            Untake(last);
            cursor = last.Rest;
        }

        return SearchVerdict.Linearizable;
    }

    // A write comes before the reads that saw its revision.
    private static long RankOf(PartitionOperation operation) => (2 * operation.Revision) + (operation.HasWritten ? 0 : 1);

    private bool TryNext(ref Cursor cursor, out Frame frame)
    {
        while (Next(ref cursor, out int candidate, out bool succeeded))
        {
            if (!MayCome(_operations[candidate]))
            {
                continue;
            }

            Steps++;
            if (KeyspaceModel.Step(_state, _operations[candidate], succeeded, out PartitionState next) is null
                && _visited.Add(_takenHash ^ Fingerprint.Of((ulong)candidate) ^ next.Fingerprint()))
            {
                frame = new Frame(candidate, _state, next, cursor);
                return true;
            }
        }

        frame = default;
        return false;
    }

    private bool MayCome(PartitionOperation operation) => operation.IsKnown
        ? operation.Revision == 0 || RankOf(operation) == _ranks[_rankedTaken]
        : operation.TwinNumber == _twinsTaken[operation.Twins];

    /// <summary>The next candidate by real time: whatever was called before the first answer among what is left.</summary>
    private bool Next(ref Cursor cursor, out int candidate, out bool succeeded)
    {
        if (_known.Next(ref cursor, out candidate))
        {
            succeeded = _operations[candidate].Succeeded;
            return true;
        }

        for (; cursor.Unknown < 2 * _unknown.Length; cursor.Unknown++)
        {
            candidate = _unknown[cursor.Unknown / 2];
            PartitionOperation operation = _operations[candidate];
            succeeded = cursor.Unknown % 2 == 0;
            if (operation.Source.CallEvent > cursor.Limit)
            {
                break;
            }

            if (!_taken[candidate] && operation.Branch(succeeded).Length > 0)
            {
                cursor.Unknown++;
                return true;
            }
        }

        (candidate, succeeded) = (-1, false);
        return false;
    }

    private void Take(in Frame frame)
    {
        PartitionOperation operation = _operations[frame.Operation];
        _path.Push(frame);
        _state = frame.After;
        Mark(frame.Operation, operation, 1);
        if (operation.IsKnown)
        {
            _known.Remove(frame.Operation);
        }
    }

    private void Untake(in Frame frame)
    {
        PartitionOperation operation = _operations[frame.Operation];
        _state = frame.Before;
        Mark(frame.Operation, operation, -1);
        if (operation.IsKnown)
        {
            _known.Restore(frame.Operation);
        }
    }

    private void Mark(int number, PartitionOperation operation, int change)
    {
        _taken[number] = change > 0;
        _takenHash ^= Fingerprint.Of((ulong)number);
        if (!operation.IsKnown)
        {
            _twinsTaken[operation.Twins] += change;
        }
        else if (operation.Revision > 0)
        {
            _rankedTaken += change;
        }
    }

    private void RememberStuck()
    {
        int depth = _operations.Count - _unknown.Length - _known.Remaining;
        if (depth > _deepest)
        {
            _deepest = depth;
            StuckStates.Clear();
            Tail = [.. _path.Take(CheckLimits.ExcerptTail).Reverse().Select(frame => _operations[frame.Operation])];
            var stuck = new List<PartitionOperation>();
            Cursor cursor = _known.First;
            while (stuck.Count < CheckLimits.ExcerptStuck && _known.Next(ref cursor, out int candidate))
            {
                stuck.Add(_operations[candidate]);
            }

            Stuck = stuck;
        }

        if (depth == _deepest && StuckStates.Count < CheckLimits.ExcerptStates)
        {
            StuckStates.Add(_state);
        }
    }

    /// <summary>One operation taken: from which state to which, and where to look for another in its place.</summary>
    private readonly record struct Frame(int Operation, PartitionState Before, PartitionState After, Cursor Rest);
}

/// <summary>How far the candidates of one place were tried.</summary>
internal record struct Cursor
{
    /// <summary>The next node of <see cref="KnownOperations"/>; -1 when the first answer was reached.</summary>
    public int Node { get; set; }

    /// <summary>Where that answer stands: whatever was called later must come later.</summary>
    public long Limit { get; set; }

    /// <summary>The next unknown operation, two for each: that its conditions held, and that they did not.</summary>
    public int Unknown { get; set; }
}
