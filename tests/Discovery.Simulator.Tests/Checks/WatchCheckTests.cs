using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using Discovery.Store.Keyspace;
using static Discovery.Simulator.Tests.Checks.TestKeyspace;
using FilterType = Discovery.EtcdApi.Messages.WatchCreateRequest.Types.FilterType;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>
/// A watch of keys from "a" to "b" in a history of five revisions (2 puts a1; 3 puts a1 and a2; 4 puts x; 5 deletes a1;
/// 6 puts a2): told right it passes, told wrong in one way it does not.
/// </summary>
public sealed class WatchCheckTests
{
    private readonly TestKeyspace _keyspace = new();

    public WatchCheckTests()
    {
        _keyspace.Put("a1", "one");
        _keyspace.Apply(CommandKind.Txn, new TxnRequest
        {
            Success = { new RequestOp { RequestPut = PutOf("a1", "two") }, new RequestOp { RequestPut = PutOf("a2", "two") } },
        });
        _keyspace.Put("x", "other");
        _keyspace.Delete("a1");
        _keyspace.Put("a2", "three");
    }

    [Fact]
    public void Everything_told_right_passes()
    {
        WatchCheck watch = Created(2, request => request.PrevKv = true);

        watch.Received(Events(3, previous: true, 2, 3));
        watch.Received(Events(6, previous: true, 5, 6));
        watch.Received(Progress(6));
        watch.CaughtUp();

        Assert.Equal(7, watch.Next);
    }

    [Fact]
    public void Watch_from_now_on_begins_after_its_creation()
    {
        WatchCheck watch = Created(0);
        long revision = _keyspace.Put("a3", "new");

        watch.Received(Events(revision, previous: false, revision));
        watch.CaughtUp();
    }

    [Fact]
    public void Resumed_watch_goes_on_where_the_first_ended()
    {
        WatchCheck first = Created(2);
        first.Received(Events(3, previous: false, 2, 3));

        WatchCheck second = Created(first.Next);
        second.Received(Events(6, previous: false, 5, 6));
        second.CaughtUp();
    }

    [Fact]
    public void Parts_of_a_split_answer_count_together()
    {
        WatchCheck watch = Created(2, request => request.Fragment = true);
        WatchResponse whole = Events(6, previous: false, 2, 3, 5, 6);
        foreach (Event one in whole.Events.SkipLast(1))
        {
            watch.Received(new WatchResponse { Header = whole.Header, Fragment = true, Events = { one } });
        }

        watch.Received(new WatchResponse { Header = whole.Header, Events = { whole.Events[^1] } });
        watch.CaughtUp();
    }

    [Fact]
    public void Missing_revision_is_found() => AssertBroken("missed", watch => watch.Received(Events(5, previous: false, 2, 5)));

    [Fact]
    public void Revision_missing_at_the_end_is_found() => AssertBroken("at the end", watch =>
    {
        watch.Received(Events(5, previous: false, 2, 3, 5));
        watch.CaughtUp();
    });

    [Fact]
    public void Disorder_is_found() => AssertBroken("wants revisions from 4", watch => watch.Received(Events(6, previous: false, 2, 3, 2)));

    [Fact]
    public void Repetition_is_found() => AssertBroken("wants revisions from 4", watch =>
    {
        watch.Received(Events(3, previous: false, 2, 3));
        watch.Received(Events(3, previous: false, 3));
    });

    [Fact]
    public void Event_below_the_start_is_found()
    {
        WatchCheck watch = Created(3);

        AssertBroken("wants revisions from 3", () => watch.Received(Events(3, previous: false, 2, 3)));
    }

    [Fact]
    public void Half_of_a_revision_is_found() => AssertBroken("nothing more", watch =>
    {
        WatchResponse response = Events(3, previous: false, 2, 3);
        response.Events.RemoveAt(2);
        watch.Received(response);
    });

    [Fact]
    public void Wrong_value_is_found() => AssertBroken("wanted", watch =>
    {
        WatchResponse response = Events(3, previous: false, 2, 3);
        response.Events[0].Kv.Value = Bytes("wrong");
        watch.Received(response);
    });

    [Fact]
    public void Key_out_of_range_is_found() => AssertBroken("no change of revision 2", watch =>
    {
        WatchResponse response = Events(3, previous: false, 2, 3);
        Event stray = response.Events[0].Clone();
        stray.Kv.Key = Bytes("x");
        response.Events.Insert(1, stray);
        watch.Received(response);
    });

    [Fact]
    public void Filtered_event_is_found()
    {
        WatchCheck watch = Created(6, request => request.Filters.Add(FilterType.Noput));

        AssertBroken("no change of revision 6", () => watch.Received(Events(6, previous: false, 6)));
    }

    [Fact]
    public void Filtered_events_are_not_missed()
    {
        WatchCheck watch = Created(2, request => request.Filters.Add(FilterType.Noput));

        watch.Received(Events(6, previous: false, 5));
        watch.CaughtUp();
    }

    [Fact]
    public void Missing_previous_pair_is_found()
    {
        WatchCheck watch = Created(5, request => request.PrevKv = true);

        AssertBroken("previous pair", () => watch.Received(Events(5, previous: false, 5)));
    }

    [Fact]
    public void Previous_pair_may_be_gone_once_it_is_compacted()
    {
        WatchCheck watch = Created(5, request => request.PrevKv = true);
        _keyspace.Compact(5);

        watch.Received(Events(5, previous: false, 5));
    }

    [Fact]
    public void Previous_pair_that_was_not_asked_for_is_found() =>
        AssertBroken("not to be sent", watch => watch.Received(Events(3, previous: true, 2, 3)));

    [Fact]
    public void Progress_before_its_events_is_found() => AssertBroken("before progress at 6", watch => watch.Received(Progress(6)));

    [Fact]
    public void Event_after_the_progress_that_covers_it_is_found()
    {
        WatchCheck watch = Created(4);
        watch.Received(Progress(4));
        watch.Received(Events(5, previous: false, 5));
        watch.Received(Events(6, previous: false, 6));

        AssertBroken("wants revisions from 7", () => watch.Received(Events(6, previous: false, 6)));
    }

    [Fact]
    public void Revision_that_nobody_applied_is_found() => AssertBroken("nobody has applied", watch =>
    {
        WatchResponse response = Events(6, previous: false, 2);
        response.Events[0].Kv.ModRevision = 7;
        response.Header.Revision = 7;
        watch.Received(response);
    });

    [Fact]
    public void Event_above_its_header_is_found() => AssertBroken("under header revision 2", watch => watch.Received(Events(2, previous: false, 2, 3)));

    [Fact]
    public void Fragment_that_was_not_asked_for_is_found() => AssertBroken(
        "did not ask for", watch => watch.Received(new WatchResponse { Header = new() { Revision = 2 }, Fragment = true }));

    [Fact]
    public void Compacted_start_must_be_cancelled()
    {
        _keyspace.Compact(4);
        WatchCheck told = Created(3, compacted: 4);
        told.Received(new WatchResponse { Header = new() { Revision = 6 }, Canceled = true, CompactRevision = 4 });
        told.CaughtUp();

        AssertBroken("in compacted history", () => Created(3, compacted: 4).Received(Events(6, previous: false, 3, 5, 6)));
        AssertBroken("in compacted history", () => Created(3, compacted: 4).CaughtUp());
        AssertBroken("cancelled as compacted", () => Created(3, compacted: 4).Received(new() { Header = new() { Revision = 6 }, Canceled = true }));
    }

    [Fact]
    public void Cancellation_for_a_compaction_that_did_not_concern_it_is_found()
    {
        _keyspace.Compact(4);

        AssertBroken("cancelled as compacted", () => Created(4).Received(
            new WatchResponse { Header = new() { Revision = 6 }, Canceled = true, CompactRevision = 4 }));
    }

    [Fact]
    public void Answer_after_the_cancellation_is_found()
    {
        WatchCheck watch = Created(2);
        watch.Received(new WatchResponse { Header = new() { Revision = 6 }, Canceled = true });

        AssertBroken("after it was cancelled", () => watch.Received(Events(2, previous: false, 2)));
    }

    [Fact]
    public void Answer_before_the_creation_is_found()
    {
        var watch = new WatchCheck(_keyspace.Position, _keyspace.History, "w", new WatchCreateRequest { Key = Bytes("a"), StartRevision = 2 });

        AssertBroken("before its creation", () => watch.Received(Events(3, previous: false, 2, 3)));
    }

    private WatchCheck Created(long start, Action<WatchCreateRequest>? with = null, long compacted = 0)
    {
        var request = new WatchCreateRequest { Key = Bytes("a"), RangeEnd = Bytes("b"), StartRevision = start };
        with?.Invoke(request);
        var watch = new WatchCheck(_keyspace.Position, _keyspace.History, "watch 1 of client 1", request, compacted);
        watch.Received(new WatchResponse { Header = new() { Revision = _keyspace.State.Revision }, Created = true });
        return watch;
    }

    /// <summary>The changes of the revisions to keys from "a" to "b".</summary>
    private WatchResponse Events(long header, bool previous, params long[] revisions)
    {
        var response = new WatchResponse { Header = new() { Revision = header } };
        foreach (TrueEvent one in revisions.SelectMany(revision => _keyspace.History.At(revision)).Where(static one => one.Kv.Key[0] == 'a'))
        {
            response.Events.Add(new Event
            {
                Type = one.IsDelete ? Event.Types.EventType.Delete : Event.Types.EventType.Put,
                Kv = one.Kv.Clone(),
                PrevKv = previous ? one.Previous : null,
            });
        }

        return response;
    }

    private static WatchResponse Progress(long revision) => new() { Header = new() { Revision = revision } };

    private void AssertBroken(string why, Action<WatchCheck> receive) => AssertBroken(why, () => receive(Created(2)));

    private static void AssertBroken(string why, Action act)
    {
        Violation violation = Assert.Throws<ViolationException>(act).Violation;
        Assert.Equal("watch", violation.Checker);
        Assert.Contains(why, violation.Text, StringComparison.Ordinal);
    }
}
