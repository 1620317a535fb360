using System.Threading.Channels;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Watch;

/// <summary>
/// Tells watchers that something happened for them. It follows the applied revisions, finds the watchers of each event
/// by an index, and notes at each where its unread part begins. The events stay where they are, in the keyspace's
/// history; each stream reads them at its own pace.
/// </summary>
/// <remarks>
/// The Raft loop only rings a bell (<see cref="OnViewChanged"/>); the matching runs here. The lock guards the index and
/// the last revision matched: it is taken by the hub's loop and by streams that add, remove or ask how far it is. A
/// channel would not do: the answer to "watch created" must name a revision that is exact at that moment.
/// </remarks>
internal sealed class WatchHub : IAsyncDisposable
{
    private readonly Func<KeyspaceView> _current;
    private readonly Lock _gate = new();
    private readonly WatcherIndex _index = new();
    private readonly List<HashSet<Watcher>> _found = [];

    // One place: a bell that rings twice is heard once, for each look takes everything there is.
    private readonly Channel<bool> _bell = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly Task _loop;
    private KeyspaceView _view;
    private long _matched;

    /// <summary>Starts with what is applied now; whoever makes the hub has it called when that changes.</summary>
    /// <param name="current">The applied state, from any thread.</param>
    public WatchHub(Func<KeyspaceView> current)
    {
        _current = current;
        _view = current();
        _matched = _view.Revision;
        _loop = RunAsync();
    }

    /// <summary>What streams read from. Never behind what any watcher was told of.</summary>
    public KeyspaceView View => Volatile.Read(ref _view);

    /// <summary>How many watchers there are.</summary>
    public int WatcherCount
    {
        get
        {
            lock (_gate)
            {
                return _index.Count;
            }
        }
    }

    /// <summary>
    /// Takes a watcher in. It sees every event from its start on: none before, none twice, none missed. One that asks
    /// for what is compacted is not taken in.
    /// </summary>
    /// <param name="watcher">The watcher.</param>
    /// <param name="onAdded">
    /// Called with the current state before the watcher can be told of anything, so that what it sends comes first.
    /// </param>
    public void Add(Watcher watcher, Action<KeyspaceView> onAdded)
    {
        lock (_gate)
        {
            long now = Match();
            onAdded(_view);
            long start = watcher.StartRevision;
            if (start > 0 && start < _view.CompactedRevision)
            {
                return;
            }

            bool hasHistory = start > 0 && start <= now;
#if MUTANTS
            start = StoreMutant.FutureWatchGetsOldEvents.IsPlanted() && !hasHistory ? 0 : start;
#endif
            watcher.Begin(start > 0 ? start : now + 1, hasHistory);
            _index.Add(watcher);
            if (hasHistory)
            {
                watcher.Stream.Wake(watcher);
            }
        }
    }

    /// <summary>Lets a watcher go.</summary>
    public void Remove(Watcher watcher)
    {
        lock (_gate)
        {
            _index.Remove(watcher);
        }
    }

    /// <summary>Matches all that is applied by now and says up to which revision every watcher was told.</summary>
    public long CatchUp()
    {
#if MUTANTS
        if (StoreMutant.ProgressNotSynced.IsPlanted())
        {
            return _current().Revision;
        }
#endif
        lock (_gate)
        {
            return Match();
        }
    }

    /// <summary>Rings the bell: there is a new view. From any thread; never waits.</summary>
    public void OnViewChanged(KeyspaceView view) => _ = _bell.Writer.TryWrite(true);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _ = _bell.Writer.TryComplete();
        await _loop;
    }

    private async Task RunAsync()
    {
        while (await _bell.Reader.WaitToReadAsync())
        {
            _ = _bell.Reader.TryRead(out _);
            lock (_gate)
            {
                _ = Match();
            }
        }
    }

    /// <summary>Under the lock.</summary>
    private long Match()
    {
        // Published before anyone is told, so that who is told reads what he was told of. It also changes without a new
        // revision, by a compaction.
        KeyspaceView view = _current();
        Volatile.Write(ref _view, view);
        long from = _matched + 1;
        _matched = view.Revision;
        if (_matched >= from && _index.Count > 0)
        {
            MatchEvents(view, from);
        }

        return _matched;
    }

    private void MatchEvents(KeyspaceView view, long from)
    {
        if (from < view.OldestHeldRevision)
        {
            // Written, compacted and freed before we looked, perhaps by another member whose snapshot came in: what
            // happened cannot be told any more. All look for themselves; who waits for what is still held finds it.
            foreach (Watcher watcher in _index.All)
            {
                if (watcher.Offer(from, view.Revision))
                {
                    watcher.Stream.Wake(watcher);
                }
            }

            return;
        }

        foreach (RevisionEvents revision in view.HeldEventsFrom(from))
        {
            foreach (AppliedEvent happened in revision.Events)
            {
                _found.Clear();
                _index.Find(happened.Kv.Key, _found);
                foreach (HashSet<Watcher> group in _found)
                {
                    Offer(group, revision.Revision, happened);
                }
            }
        }
    }

    private static void Offer(HashSet<Watcher> group, long revision, in AppliedEvent happened)
    {
        foreach (Watcher watcher in group)
        {
            if (watcher.Wants(happened))
            {
                Offer(watcher, revision);
            }
        }
    }

    private static void Offer(Watcher watcher, long revision)
    {
        if (watcher.Offer(revision))
        {
            watcher.Stream.Wake(watcher);
        }
    }
}
