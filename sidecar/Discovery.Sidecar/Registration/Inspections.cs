namespace Discovery.Sidecar.Registration;

/// <summary>
/// Which containers are being inspected and which wait for it. At most <see cref="Limits.Inspections"/> at a time, of
/// one container never two: a hint that comes meanwhile asks for another look afterwards, so that the last answer is
/// never older than the last hint. Owned by the loop.
/// </summary>
internal sealed class Inspections(Action<string> start)
{
    // Under way, and whether to look again.
    private readonly Dictionary<string, bool> _running = new(StringComparer.Ordinal);
    private readonly Queue<string> _waiting = new();
    private readonly HashSet<string> _queued = new(StringComparer.Ordinal);

    /// <summary>How many wait.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Asks for a look that begins after now.</summary>
    public void Want(string id)
    {
        if (_running.ContainsKey(id))
        {
            _running[id] = true;
        }
        else if (_queued.Add(id))
        {
            _waiting.Enqueue(id);
            StartNext();
        }
    }

    /// <summary>An answer has come. True when it is the newest that was asked for; else another look has been ordered.</summary>
    public bool Done(string id)
    {
        bool again = _running.Remove(id, out bool wanted) && wanted;
        if (again)
        {
            Want(id);
        }

        StartNext();
        return !again;
    }

    private void StartNext()
    {
        while (_running.Count < Limits.Inspections && _waiting.TryDequeue(out string? id))
        {
            _queued.Remove(id);
            _running[id] = false;
            start(id);
        }
    }
}
