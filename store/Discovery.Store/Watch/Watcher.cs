using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Watch;

/// <summary>
/// One watch of one stream: what it wants to see and how far it is. It holds no events, only a cursor, so that a slow
/// client costs the server nothing but time.
/// </summary>
/// <remarks>
/// The hub calls <see cref="Offer(long)"/>, the stream's writer <see cref="Take"/>; both under this watcher's own lock, which
/// guards the three words below for a few instructions. The rest belongs to the stream's writer.
/// </remarks>
internal sealed class Watcher(long id, KeyRange range, WatchCreateRequest request, WatchStream stream)
{
    private readonly bool _noPuts = request.Filters.Contains(WatchCreateRequest.Types.FilterType.Noput);
    private readonly bool _noDeletes = request.Filters.Contains(WatchCreateRequest.Types.FilterType.Nodelete);
    private readonly Lock _gate = new();
    private long _next;
    private long _firstWaiting;
    private bool _ended;

    /// <summary>Unique in its stream.</summary>
    public long Id => id;

    /// <summary>The keys it sees.</summary>
    public KeyRange Range => range;

    /// <summary>Whom to tell.</summary>
    public WatchStream Stream => stream;

    /// <summary>Whether events carry the pair as it was before.</summary>
    public bool WantsPrevious => request.PrevKv;

    /// <summary>Whether a large answer is split.</summary>
    public bool WantsFragments => request.Fragment;

    /// <summary>Whether it hears now and then how far it is.</summary>
    public bool WantsProgress => request.ProgressNotify;

    /// <summary>Whether it was sent something since the last progress notice. Writer only.</summary>
    public bool Active { get; set; }

    /// <summary>Whether it waits for another turn because one answer could not hold all. Writer only.</summary>
    public bool IsBehind { get; set; }

    /// <summary>The revision that it asked to begin at; 0 for "from now on".</summary>
    public long StartRevision => request.StartRevision;

    /// <summary>Says where it begins, before the hub knows it.</summary>
    /// <param name="next">The first revision it may see; one in the future waits.</param>
    /// <param name="waiting">Whether there may be something to send at once.</param>
    public void Begin(long next, bool waiting)
    {
        lock (_gate)
        {
            _next = next;
            _firstWaiting = waiting ? next : 0;
        }
    }

    /// <summary>Whether the event passes its filters. The range was matched by the hub's index.</summary>
    public bool Wants(in AppliedEvent happened) => happened.IsDelete ? !_noDeletes : !_noPuts;

    /// <summary>Notes that this revision holds something for it. True when its stream must be told.</summary>
    public bool Offer(long revision)
    {
        lock (_gate)
        {
#if MUTANTS
            if (StoreMutant.EventsLostInStarvation.IsPlanted() && _firstWaiting != 0 && revision >= _next)
            {
                _firstWaiting = revision;
            }
#endif
            if (_ended || revision < _next || _firstWaiting != 0)
            {
                return false;
            }

            _firstWaiting = revision;
            return true;
        }
    }

    /// <summary>The same of all revisions from the first to the last, when nobody knows which of them do.</summary>
    public bool Offer(long first, long last)
    {
        lock (_gate)
        {
            if (_ended || last < _next || _firstWaiting != 0)
            {
                return false;
            }

            _firstWaiting = Math.Max(first, _next);
#if MUTANTS
            (_firstWaiting, _next) = StoreMutant.WatchGoesBack.IsPlanted() ? (first, first) : (_firstWaiting, _next);
#endif
            return true;
        }
    }

    /// <summary>Takes what is waiting: the revision to read on from; 0 when there is nothing or the watch has ended.</summary>
    public long Take()
    {
        lock (_gate)
        {
            long from = _ended || _firstWaiting == 0 ? 0 : Math.Max(_firstWaiting, _next);
            _firstWaiting = 0;
            return from;
        }
    }

    /// <summary>Notes that everything below this revision was sent or did not concern it.</summary>
    public void Advance(long next)
    {
        lock (_gate)
        {
            _next = next;
        }
    }

    /// <summary>
    /// The same when one answer could not hold all: it wants to read on from here. True when its stream must be told;
    /// false when it was told meanwhile.
    /// </summary>
    public bool Resume(long next)
    {
        lock (_gate)
        {
            bool idle = _firstWaiting == 0;
            _next = next;
            _firstWaiting = next;
            return idle && !_ended;
        }
    }

    /// <summary>Nothing more is sent. True the first time.</summary>
    public bool End()
    {
        lock (_gate)
        {
            bool first = !_ended;
            _ended = true;
            return first;
        }
    }
}
