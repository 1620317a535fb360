namespace Discovery.Simulator.Checks;

/// <summary>
/// The calls and answers of the answered operations that are not taken yet, in order: a list linked both ways, so that
/// taking an operation and giving it back cost the same few writes wherever it stands (Lowe 2017).
/// </summary>
internal sealed class KnownOperations
{
    private readonly int[] _next;
    private readonly int[] _previous;
    private readonly int[] _operation;
    private readonly bool[] _isReturn;
    private readonly long[] _event;
    private readonly int[] _callNode;
    private readonly int[] _returnNode;

    public KnownOperations(IReadOnlyList<PartitionOperation> operations)
    {
        List<(long Event, bool IsReturn, int Operation)> events = [];
        for (int i = 0; i < operations.Count; i++)
        {
            if (operations[i].IsKnown)
            {
                events.Add((operations[i].Source.CallEvent, false, i));
                events.Add((operations[i].ReturnEvent, true, i));
                Remaining++;
            }
        }

        // An operation whose answer another's answer stands for shares its event: calls first, then by number.
        events.Sort();
        int nodes = events.Count + 1;
        (_next, _previous, _operation) = (new int[nodes], new int[nodes], new int[nodes]);
        (_isReturn, _event) = (new bool[nodes], new long[nodes]);
        (_callNode, _returnNode) = (new int[operations.Count], new int[operations.Count]);
        for (int node = 0; node < nodes; node++)
        {
            // Node 0 is the head; its answer is never reached.
            _next[node] = node + 1 < nodes ? node + 1 : -1;
            _previous[node] = node - 1;
            if (node > 0)
            {
                (_event[node], _isReturn[node], _operation[node]) = events[node - 1];
                (_isReturn[node] ? _returnNode : _callNode)[_operation[node]] = node;
            }
        }
    }

    /// <summary>Operations not taken.</summary>
    public int Remaining { get; private set; }

    /// <summary>Before the first candidate.</summary>
    public Cursor First => new() { Node = _next[0], Limit = Operation.Never };

    /// <summary>The next operation that was called before the first answer; false when that answer is reached.</summary>
    public bool Next(ref Cursor cursor, out int operation)
    {
        operation = -1;
        if (cursor.Node < 0)
        {
            return false;
        }

        if (_isReturn[cursor.Node])
        {
            cursor.Limit = _event[cursor.Node];
            cursor.Node = -1;
            return false;
        }

        operation = _operation[cursor.Node];
        cursor.Node = _next[cursor.Node];
        return true;
    }

    /// <summary>Takes an operation out.</summary>
    public void Remove(int operation)
    {
        Unlink(_callNode[operation]);
        Unlink(_returnNode[operation]);
        Remaining--;
    }

    /// <summary>Puts back what was taken out last.</summary>
    public void Restore(int operation)
    {
        Relink(_returnNode[operation]);
        Relink(_callNode[operation]);
        Remaining++;
    }

    private void Unlink(int node)
    {
        _next[_previous[node]] = _next[node];
        if (_next[node] >= 0)
        {
            _previous[_next[node]] = _previous[node];
        }
    }

    private void Relink(int node)
    {
        _next[_previous[node]] = node;
        if (_next[node] >= 0)
        {
            _previous[_next[node]] = node;
        }
    }
}
