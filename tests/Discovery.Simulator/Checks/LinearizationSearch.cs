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
/// an operation: answered operations must come in the order of their revisions; operations without an answer are tried
/// last, need a revision that is free, and of twins only the eldest is tried.
/// </summary>
internal sealed class LinearizationSearch
{
    private readonly List<PartitionOperation> _operations;
    private readonly KnownOperations _known;
    private readonly int[][] _twins;
    private readonly int[] _twinsTaken;
    private readonly SortedSet<int> _twinsUsed = [];
    private readonly long[] _ranks;
    private readonly VisitedPlaces _visited = new();
    private readonly FreeRevisions _free;
    private readonly Stack<Frame> _path = new();
    private readonly long _stepsMax;
    private PartitionState _state;
    private UInt128 _knownHash;
    private int _rankedTaken;
    private long _deepest = long.MinValue;

    public LinearizationSearch(Partition partition, FreeRevisions free, long stepsMax)
    {
        _free = free;
        _operations = partition.Operations;
        _stepsMax = stepsMax;
        _state = KeyspaceModel.Initial(partition.Keys.Count);
        _known = new KnownOperations(_operations);
        _twins =
        [
            .. Enumerable.Range(0, _operations.Count)
                .Where(i => !_operations[i].IsKnown)
                .GroupBy(i => _operations[i].Twins)
                .OrderBy(static group => group.Key)
                .Select(static group => group.ToArray()),
        ];
        _twinsTaken = new int[_twins.Length];
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
            Steps++;
            if (KeyspaceModel.Step(_state, _operations[candidate], succeeded, _free, out PartitionState next) is null
                && IsNew(candidate, next))
            {
                frame = new Frame(candidate, _state, next, cursor);
                return true;
            }
        }

        frame = default;
        return false;
    }

    private bool IsNew(int candidate, PartitionState next)
    {
        PartitionOperation operation = _operations[candidate];
        UInt128 known = operation.IsKnown ? _knownHash ^ Fingerprint.Of((ulong)candidate) : _knownHash;
        return _visited.Visit(known ^ next.Fingerprint(), UsedAfter(operation, next));
    }

    /// <summary>Unanswered operations used up once the operation is taken, those left out that can never come again.</summary>
    private (int Twins, int Count)[] UsedAfter(PartitionOperation taken, PartitionState next)
    {
        bool isFirst = !taken.IsKnown && _twinsUsed.Add(taken.Twins);
        (int Twins, int Count)[] used = _twinsUsed.Count == 0 ? [] :
        [
            .. _twinsUsed
                .Where(twins => !KeyspaceModel.IsDead(next, _operations[_twins[twins][0]]))
                .Select(twins => (twins, _twinsTaken[twins] + (!taken.IsKnown && twins == taken.Twins ? 1 : 0))),
        ];
        if (isFirst)
        {
            _twinsUsed.Remove(taken.Twins);
        }

        return used;
    }

    /// <summary>The next candidate by real time: whatever was called before the first answer among what is left.</summary>
    private bool Next(ref Cursor cursor, out int candidate, out bool succeeded)
    {
        while (_known.Next(ref cursor, out candidate))
        {
            PartitionOperation operation = _operations[candidate];
            if (operation.Revision == 0 || RankOf(operation) == _ranks[_rankedTaken])
            {
                succeeded = operation.Succeeded;
                return true;
            }
        }

        return NextUnknown(ref cursor, out candidate, out succeeded);
    }

    private bool NextUnknown(ref Cursor cursor, out int candidate, out bool succeeded)
    {
        // It must take a revision before the next one that was answered.
        bool isRoom = _rankedTaken == _ranks.Length || _free.After(_state.Floor) <= _ranks[_rankedTaken] / 2;
        while (isRoom && cursor.Unknown < 2 * _twins.Length)
        {
            int twins = cursor.Unknown / 2;
            succeeded = cursor.Unknown++ % 2 == 0;
            if (_twinsTaken[twins] == _twins[twins].Length)
            {
                continue;
            }

            candidate = _twins[twins][_twinsTaken[twins]];
            PartitionOperation operation = _operations[candidate];
            if (operation.Source.CallEvent < cursor.Limit && operation.Branch(succeeded).Length > 0 && !KeyspaceModel.IsDead(_state, operation))
            {
                return true;
            }
        }

        (candidate, succeeded) = (-1, false);
        return false;
    }

    private void Take(in Frame frame)
    {
        _path.Push(frame);
        _state = frame.After;
        PartitionOperation operation = _operations[frame.Operation];
        if (operation.IsKnown)
        {
            _known.Remove(frame.Operation);
            _knownHash ^= Fingerprint.Of((ulong)frame.Operation);
            _rankedTaken += operation.Revision > 0 ? 1 : 0;
        }
        else if (++_twinsTaken[operation.Twins] == 1)
        {
            _twinsUsed.Add(operation.Twins);
        }
    }

    private void Untake(in Frame frame)
    {
        _state = frame.Before;
        PartitionOperation operation = _operations[frame.Operation];
        if (operation.IsKnown)
        {
            _known.Restore(frame.Operation);
            _knownHash ^= Fingerprint.Of((ulong)frame.Operation);
            _rankedTaken -= operation.Revision > 0 ? 1 : 0;
        }
        else if (--_twinsTaken[operation.Twins] == 0)
        {
            _twinsUsed.Remove(operation.Twins);
        }
    }

    private void RememberStuck()
    {
        int depth = -_known.Remaining;
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

    /// <summary>The next group of twins without an answer, two for each: that the conditions held, and that they did not.</summary>
    public int Unknown { get; set; }
}
