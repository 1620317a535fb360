namespace Discovery.Store.Consensus;

/// <summary>
/// The thread that writes the log: one thing after the other, in the order given. Bounded by who gives: Raft has one batch
/// under way at a time.
/// </summary>
internal sealed class LogThread : IDisposable
{
    // Guards the queue alone. Not a channel: the thread must not wait for one of the pool to wake it.
    private readonly object _gate = new();
    private readonly Queue<Action> _work = new();
    private readonly Thread _thread;
    private bool _isBusy;
    private bool _isStopped;

    public LogThread()
    {
        _thread = new Thread(Loop) { Name = "store log", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Whether nothing is under way: then the log may be written by another thread.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return !_isBusy && _work.Count == 0;
            }
        }
    }

    /// <summary>Takes work that throws nothing; nothing is taken any more after the end.</summary>
    public void Run(Action work)
    {
        lock (_gate)
        {
            if (!_isStopped)
            {
                _work.Enqueue(work);
                Monitor.Pulse(_gate);
            }
        }
    }

    /// <summary>Finishes what was given.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopped = true;
            Monitor.Pulse(_gate);
        }

        _thread.Join();
    }

    private void Loop()
    {
        while (TryTake(out Action? work))
        {
            work();
        }
    }

    private bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Action? work)
    {
        lock (_gate)
        {
            _isBusy = false;
            while (!_work.TryDequeue(out work))
            {
                if (_isStopped)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            _isBusy = true;
            return true;
        }
    }
}
