using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Simulator.Checks;

/// <summary>
/// Proves that one watch tells its client the truth (etcd's watch guarantees): events in order of revision, each once,
/// none left out, all of one revision together, none at or below where it began, none that was not committed, none that
/// its range or filters exclude; values, versions, leases and previous pairs right; progress only when all before was
/// sent; a start in compacted history answered by the cancellation that says so. Exact, except that a previous pair may
/// be missing once its revision is compacted. Costs what is new, and a look at each revision that passed.
/// </summary>
/// <remarks>
/// One for each watch id of each stream, in the order of what the client received; what names no watch (progress of the
/// whole stream) goes to each of them. A client that resumes makes a new
/// one, with <c>start_revision</c> at <see cref="Next"/>; whatever was lost between the two shows there.
/// </remarks>
internal sealed class WatchCheck
{
    private const string Name = "watch";
    private static readonly ByteString SmallestKey = ByteString.CopyFrom(0);

    private readonly RunPosition _position;
    private readonly RevisionHistory _history;
    private readonly string _who;
    private readonly WatchCreateRequest _request;
    private readonly KeyRange _range;
    private readonly bool _mustBeCompacted;
    private readonly List<Event> _parts = [];
    private bool _hasBegun;

    /// <summary>A client asks for a watch.</summary>
    /// <param name="position">Where the run stands.</param>
    /// <param name="history">The truth.</param>
    /// <param name="who">The client and the watch, for reports.</param>
    /// <param name="request">What it asks for.</param>
    /// <param name="compacted">
    /// The revision below which the asked member had compacted when it surely had not seen the request yet; 0 when that
    /// is not known. A start below it must be refused.
    /// </param>
    public WatchCheck(RunPosition position, RevisionHistory history, string who, WatchCreateRequest request, long compacted = 0)
    {
        _position = position;
        _history = history;
        _who = who;
        _request = request;
        _range = new KeyRange(request.Key.IsEmpty ? SmallestKey : request.Key, request.RangeEnd);
        _mustBeCompacted = request.StartRevision > 0 && request.StartRevision < compacted;
        Next = request.StartRevision;
    }

    /// <summary>Everything below was sent or did not concern it: where to resume. 0 while that is not known.</summary>
    public long Next { get; private set; }

    /// <summary>Whether it was cancelled; nothing may come after.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>The client received an answer for this watch.</summary>
    public void Received(WatchResponse response)
    {
        long revision = response.Header.Revision;
        if (IsCancelled)
        {
            Fail($"received {response} after it was cancelled");
        }

        if (revision > _history.Last)
        {
            Fail($"received header revision {revision}; nobody has applied more than {_history.Last}: {response}");
        }

        if (response.Created)
        {
            Begin(response);
            return;
        }

        if (response.Canceled)
        {
            Cancel(response);
            return;
        }

        if (_mustBeCompacted)
        {
            Fail($"began at {_request.StartRevision} in compacted history and received {response}; wanted the cancellation that says so");
        }

        if (!_hasBegun)
        {
            Fail($"received {response} before its creation");
        }

        _parts.AddRange(response.Events);
        if (response.Fragment)
        {
            if (!_request.Fragment)
            {
                Fail($"received a fragment that it did not ask for: {response}");
            }

            return;
        }

        TakeEvents(revision);
    }

    /// <summary>All is quiet and everything should have come: nothing that concerns it may be missing.</summary>
    public void CaughtUp()
    {
        if (!IsCancelled && _mustBeCompacted)
        {
            Fail($"began at {_request.StartRevision} in compacted history and was not cancelled");
        }

        if (!IsCancelled && Next > 0)
        {
            ExpectNone(Next, _history.Last, "at the end");
        }
    }

    private void Begin(WatchResponse response)
    {
        _hasBegun = true;
        IsCancelled = response.Canceled;
        if (response.Events.Count > 0)
        {
            Fail($"received events with its creation: {response}");
        }

        // What happened up to this revision is before the watch (etcd: "watch from now on").
        Next = Next == 0 ? response.Header.Revision + 1 : Next;
    }

    private void Cancel(WatchResponse response)
    {
        IsCancelled = true;
        if (response.CompactRevision == 0 && !_mustBeCompacted)
        {
            return;
        }

        if (response.CompactRevision > _history.Compacted || response.CompactRevision <= Next)
        {
            Fail(
                $"was cancelled as compacted below {response.CompactRevision}; it stood at {Next}, and compacted is {_history.Compacted}");
        }
    }

    private void TakeEvents(long headerRevision)
    {
        if (_parts.Count == 0)
        {
            // Progress: everything up to the header was sent.
            ExpectNone(Next, headerRevision, $"before progress at {headerRevision}");
            Next = Math.Max(Next, headerRevision + 1);
            return;
        }

        int at = 0;
        while (at < _parts.Count)
        {
            long revision = _parts[at].Kv.ModRevision;
            if (revision < Next || revision > headerRevision)
            {
                Fail($"received {_parts[at]} under header revision {headerRevision}; it wants revisions from {Next} on");
            }

            ExpectNone(Next, revision - 1, $"before {_parts[at]}");
            foreach (TrueEvent expected in Expected(revision))
            {
                Compare(expected, at < _parts.Count ? _parts[at] : null, revision);
                at++;
            }

            if (at < _parts.Count && _parts[at].Kv.ModRevision == revision)
            {
                Fail($"received {_parts[at]}, which is no change of revision {revision} that it asked for");
            }

            Next = revision + 1;
        }

        _parts.Clear();
    }

    private IEnumerable<TrueEvent> Expected(long revision) =>
        _history.At(revision).Where(one => _range.Contains(one.Kv.Key) && !_request.Filters.Contains(
            one.IsDelete ? WatchCreateRequest.Types.FilterType.Nodelete : WatchCreateRequest.Types.FilterType.Noput));

    private void ExpectNone(long from, long to, string when)
    {
        for (long revision = Math.Max(from, 2); revision <= to; revision++)
        {
            if (Expected(revision).FirstOrDefault() is { } missing)
            {
                Fail($"missed {missing} of revision {revision}, {when}");
            }
        }
    }

    private void Compare(TrueEvent expected, Event? received, long revision)
    {
        if (received is null || received.Kv.ModRevision != revision
            || (received.Type == Event.Types.EventType.Delete) != expected.IsDelete || !received.Kv.Equals(expected.Kv))
        {
            Fail($"received {received?.ToString() ?? "nothing more"}; wanted {expected}");
        }

        KeyValue? previous = _request.PrevKv ? expected.Previous : null;
        bool mayBeGone = received!.PrevKv is null && revision <= _history.Compacted;
        if (!mayBeGone && !Equals(received.PrevKv, previous))
        {
            Fail($"received {received}; its previous pair was {previous?.ToString() ?? "not to be sent"}");
        }
    }

    private void Fail(string text) => _position.Fail(Name, $"{_who} {text}");
}
