using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Tests.Api;
using Discovery.Testing;
using Google.Protobuf;
using static Discovery.Store.Tests.Api.TestStore;
using FilterType = Discovery.EtcdApi.Messages.WatchCreateRequest.Types.FilterType;

namespace Discovery.Store.Tests.Watch;

public sealed class WatchStreamTests : IAsyncLifetime
{
    private TestStore _store = null!;
    private TestWatch _watch = null!;

    public async Task InitializeAsync()
    {
        _store = await TestStore.StartAsync();
        _watch = TestWatch.On(_store.Channel);
    }

    public async Task DisposeAsync()
    {
        await _watch.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task Created_comes_first_and_names_the_revision_that_the_watch_begins_after()
    {
        await _store.PutAsync("a", "1");

        WatchResponse created = await _watch.CreateAsync(Key("a"));
        await _store.PutAsync("a", "2");
        WatchResponse first = await _watch.NextAsync();

        Assert.Equal((0, 2), (created.WatchId, created.Header.Revision));
        Assert.NotEqual(0UL, created.Header.MemberId);
        Assert.Equal(["PUT a=2@3"], first.Events.Select(TestWatch.Text));
        Assert.Equal(3, first.Header.Revision);
    }

    [Fact]
    public async Task History_is_told_from_the_start_revision_and_the_present_follows_without_a_seam()
    {
        for (int i = 0; i < 50; i++)
        {
            await _store.PutAsync("a", $"{i}");
        }

        await _watch.CreateAsync(Key("a", start: 12));
        for (int i = 50; i < 100; i++)
        {
            await _store.PutAsync("a", $"{i}");
        }

        Assert.Equal(Enumerable.Range(10, 90).Select(i => $"PUT a={i}@{i + 2}"), await _watch.EventsAsync(90));
    }

    [Fact]
    public async Task A_revision_in_the_future_is_waited_for()
    {
        await _watch.CreateAsync(Key("a", start: 4));

        await _store.PutAsync("a", "2");
        await _store.PutAsync("a", "3");
        await _store.PutAsync("a", "4");

        Assert.Equal(["PUT a=4@4"], await _watch.EventsAsync(1));
    }

    [Fact]
    public async Task A_prefix_sees_its_keys_and_no_others()
    {
        await _watch.CreateAsync(Prefix("a/"));

        await _store.PutAsync("a", "no");
        await _store.PutAsync("a/1", "yes");
        await _store.PutAsync("a0", "no");
        await _store.PutAsync("a/2/x", "yes");

        Assert.Equal(["PUT a/1=yes@3", "PUT a/2/x=yes@5"], await _watch.EventsAsync(2));
    }

    [Fact]
    public async Task Ranges_that_are_no_prefix_and_the_whole_keyspace_are_watched_too()
    {
        await _watch.CreateAsync(new() { Key = Bytes("b"), RangeEnd = Bytes("e"), WatchId = 7 });
        await _watch.CreateAsync(new() { RangeEnd = ByteString.CopyFrom(0), WatchId = 8 });

        await _store.PutAsync("a", "1");
        await _store.PutAsync("d", "2");
        var seen = new List<string>();
        while (seen.Count < 3)
        {
            // A stream that is slow gets both events of watch 8 in one answer.
            WatchResponse response = await _watch.NextAsync();
            seen.AddRange(response.Events.Select(one => $"{response.WatchId} {TestWatch.Text(one)}"));
        }

        Assert.Equal(["7 PUT d=2@3", "8 PUT a=1@2", "8 PUT d=2@3"], seen.Order());
    }

    [Fact]
    public async Task All_events_of_one_revision_come_in_one_answer()
    {
        await _watch.CreateAsync(Prefix(""));
        var request = new TxnRequest();
        request.Success.AddRange(Enumerable.Range(0, 5).Select(i => new RequestOp { RequestPut = new() { Key = Bytes($"k{i}") } }));

        await _store.TxnAsync(request);

        Assert.Equal(5, (await _watch.NextAsync()).Events.Count);
    }

    [Fact]
    public async Task Filters_hide_puts_or_deletes()
    {
        WatchCreateRequest deletes = Key("a");
        deletes.Filters.Add(FilterType.Noput);
        WatchCreateRequest puts = Key("a");
        puts.Filters.Add(FilterType.Nodelete);
        await _watch.CreateAsync(deletes);
        await _watch.CreateAsync(puts);

        await _store.PutAsync("a", "1");
        WatchResponse put = await _watch.NextAsync();
        await _store.DeleteAsync("a");
        WatchResponse delete = await _watch.NextAsync();
        await _store.PutAsync("a", "2");
        WatchResponse again = await _watch.NextAsync();

        Assert.Equal([(1, "PUT a=1@2"), (0, "DELETE a@3"), (1, "PUT a=2@4")], new[] { put, delete, again }.Select(r => (r.WatchId, TestWatch.Text(r.Events.Single()))));
    }

    [Fact]
    public async Task The_pair_before_comes_only_when_asked_for()
    {
        await _store.PutAsync("a", "1");
        WatchCreateRequest with = Key("a", start: 2);
        with.PrevKv = true;
        await _watch.CreateAsync(with);
        await _store.PutAsync("a", "2");
        await _store.DeleteAsync("a");
        List<Event> told = [];
        while (told.Count < 3)
        {
            told.AddRange((await _watch.NextAsync()).Events);
        }

        Assert.Equal([null, "1", "2"], told.Select(one => one.PrevKv?.Value.ToStringUtf8()));
        await using var plain = TestWatch.On(_store.Channel);
        await plain.CreateAsync(Key("a", start: 2));
        Assert.All((await plain.NextAsync()).Events, one => Assert.Null(one.PrevKv));
    }

    [Fact]
    public async Task What_is_compacted_is_created_first_and_then_canceled_with_the_revision_to_go_on_from()
    {
        for (int i = 0; i < 5; i++)
        {
            await _store.PutAsync("a", $"{i}");
        }

        await _store.CompactAsync(5);
        await _watch.CreateAsync(Key("a", start: 3));
        WatchResponse canceled = await _watch.NextAsync();
        await _watch.CreateAsync(Key("a", start: 5));

        Assert.Equal((true, 5, 0), (canceled.Canceled, canceled.CompactRevision, canceled.Events.Count));
        Assert.Equal(["PUT a=3@5", "PUT a=4@6"], await _watch.EventsAsync(2));
    }

    [Fact]
    public async Task A_running_watch_outlives_a_compaction()
    {
        await _watch.CreateAsync(Key("a"));
        await _store.PutAsync("a", "1");
        await _store.PutAsync("b", "1");
        await _store.PutAsync("b", "2");
        await _store.CompactAsync(4);
        await _store.PutAsync("a", "2");

        Assert.Equal(["PUT a=1@2", "PUT a=2@5"], await _watch.EventsAsync(2));
    }

    [Fact]
    public async Task Ids_are_given_from_0_upwards_and_an_id_in_use_is_refused()
    {
        WatchCreateRequest named = Key("a");
        named.WatchId = 1;

        Assert.Equal(0, (await _watch.CreateAsync(Key("a"))).WatchId);
        Assert.Equal(1, (await _watch.CreateAsync(named)).WatchId);
        Assert.Equal(2, (await _watch.CreateAsync(Key("a"))).WatchId);
        WatchResponse refused = await _watch.CreateAsync(named);

        Assert.Equal(
            (-1, true, "mvcc: duplicate watch ID provided on the WatchStream"),
            (refused.WatchId, refused.Canceled, refused.CancelReason));
    }

    [Fact]
    public async Task An_empty_range_and_a_negative_revision_are_refused_and_the_stream_lives_on()
    {
        WatchResponse empty = await _watch.CreateAsync(new() { Key = Bytes("b"), RangeEnd = Bytes("a") });
        WatchResponse negative = await _watch.CreateAsync(Key("a", start: -1));
        WatchResponse good = await _watch.CreateAsync(Key("a"));

        Assert.Equal((-1, true, "mvcc: watcher range is empty"), (empty.WatchId, empty.Canceled, empty.CancelReason));
        Assert.Equal((-1, true, EtcdError.Compacted.Text), (negative.WatchId, negative.Canceled, negative.CancelReason));
        Assert.Equal((0, false), (good.WatchId, good.Canceled));
    }

    [Fact]
    public async Task A_canceled_watch_is_silent_and_an_unknown_one_is_ignored()
    {
        await _watch.CreateAsync(Key("a"));
        await _watch.CreateAsync(Key("a"));
        _watch.Cancel(99);
        _watch.Cancel(0);
        WatchResponse canceled = await _watch.NextAsync();
        await _store.PutAsync("a", "1");

        Assert.Equal((0, true), (canceled.WatchId, canceled.Canceled));
        Assert.Equal(1, (await _watch.NextAsync()).WatchId);
    }

    [Fact]
    public async Task Progress_is_answered_for_the_whole_stream_after_all_its_events()
    {
        for (int i = 0; i < 3_000; i++)
        {
            await _store.PutAsync("a", "1");
        }

        _watch.Create(Key("a", start: 2));
        _watch.AskProgress();
        int events = 0;
        WatchResponse progress;
        do
        {
            progress = await _watch.NextAsync();
            events += progress.Events.Count;
        }
        while (progress.WatchId != -1);

        Assert.Equal((3_000, 3_001), (events, progress.Header.Revision));
    }

    [Fact]
    public async Task Idle_watches_that_asked_hear_how_far_they_are()
    {
        await using TestStore store = await TestStore.StartAsync(
            configure: options => options with { WatchProgressNotifyInterval = TimeSpan.FromMilliseconds(100) });
        await using var watch = TestWatch.On(store.Channel);
        WatchCreateRequest request = Key("a");
        request.ProgressNotify = true;
        await watch.CreateAsync(request);
        await store.PutAsync("b", "1");

        WatchResponse notice;
        do
        {
            notice = await watch.NextAsync();
        }
        while (notice.Header.Revision < 2);

        Assert.Equal((0, 0, 2), (notice.WatchId, notice.Events.Count, notice.Header.Revision));
    }

    [Fact]
    public async Task A_large_revision_is_split_only_when_asked_for()
    {
        WatchCreateRequest split = Prefix("k");
        split.Fragment = true;
        await _watch.CreateAsync(split);
        await using var whole = TestWatch.On(_store.Channel);
        await whole.CreateAsync(Prefix("k"));
        var request = new TxnRequest();
        request.Success.AddRange(Enumerable.Range(0, 3).Select(i =>
            new RequestOp { RequestPut = new() { Key = Bytes($"k{i}"), Value = ByteString.CopyFrom(new byte[450 * 1024]) } }));
        await _store.TxnAsync(request);
        await _store.PutAsync("k1", new string('x', 1400 * 1024));

        // 1.35 MiB stay whole below 2 MiB; what is split is history of more than that in one answer.
        await using var history = TestWatch.On(_store.Channel);
        WatchCreateRequest past = Prefix("k");
        past.StartRevision = 2;
        past.Fragment = true;
        await history.CreateAsync(past);
        var parts = new List<WatchResponse>();
        do
        {
            parts.Add(await history.NextAsync());
        }
        while (parts[^1].Fragment || parts.Sum(part => part.Events.Count) < 4);

        Assert.Equal(4, parts.Sum(part => part.Events.Count));
        Assert.All(parts, part => Assert.True(part.CalculateSize() < 2 * 1024 * 1024));
        Assert.False(parts[^1].Fragment);
        Assert.Equal(3, (await whole.NextAsync()).Events.Count);
    }

    [Fact]
    public async Task A_client_that_reads_nothing_holds_nobody_up_and_misses_nothing()
    {
        await using var lazy = TestWatch.On(_store.Channel);
        await lazy.CreateAsync(Key("a"));
        await _watch.CreateAsync(Key("a"));
        string value = new('x', 64 * 1024);
        for (int i = 0; i < 400; i++)
        {
            await _store.PutAsync("a", value);
        }

        Assert.Equal(400, (await _watch.EventsAsync(400)).Distinct().Count());
        Assert.Equal(Enumerable.Range(2, 400).Select(i => $"PUT a={value}@{i}"), await lazy.EventsAsync(400));
    }

    [Fact]
    public async Task One_change_reaches_a_thousand_watches_of_a_key()
    {
        for (int i = 0; i < 1_000; i++)
        {
            _watch.Create(Key("hot"));
        }

        for (int i = 0; i < 1_000; i++)
        {
            Assert.Equal(i, (await _watch.NextAsync()).WatchId);
        }

        await _store.PutAsync("hot", "1");
        var told = new List<long>();
        for (int i = 0; i < 1_000; i++)
        {
            told.Add((await _watch.NextAsync()).WatchId);
        }

        Assert.Equal(Enumerable.Range(0, 1_000).Select(i => (long)i), told.Order());
    }

    [Fact]
    public async Task A_client_that_has_finished_sending_still_listens()
    {
        await _watch.CreateAsync(Key("a"));
        _watch.FinishSending();
        await _store.PutAsync("a", "1");

        Assert.Equal(["PUT a=1@2"], await _watch.EventsAsync(1));
    }

    [Fact]
    public async Task What_a_client_watched_is_forgotten_when_it_leaves()
    {
        using var http = new HttpClient();
        await using (TestWatch leaving = TestWatch.On(_store.Channel))
        {
            await leaving.CreateAsync(Key("a"));
            await leaving.CreateAsync(Prefix("a"));
            Assert.True(await CountsAsync(2));
        }

        await Eventually.HoldsAsync(() => CountsAsync(0));

        async Task<bool> CountsAsync(int watches) => (await http.GetStringAsync(new Uri(_store.Url, "/metrics")))
            .Contains($"\netcd_debugging_mvcc_watcher_total {watches}\n", StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_stream_ends_with_server_stopped_when_the_server_stops()
    {
        await _watch.CreateAsync(Key("a"));

        Task stop = _store.Server.DisposeAsync().AsTask();

        await FailsAsync(EtcdError.Stopped, _watch.NextAsync);
        await stop;
    }

    /// <summary>Goal: ordered, complete, unique. How: writers race while watches begin at random revisions; each must see the one history from its start.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Watches_begun_anywhere_during_writes_see_the_one_history(int seed)
    {
        var random = new Random(seed);
        const int Writes = 600;
        Task writing = Task.WhenAll(Enumerable.Range(0, 4).Select(async writer =>
        {
            for (int i = 0; i < Writes / 4; i++)
            {
                await _store.PutAsync($"k{writer}", $"{i}");
            }
        }));
        var starts = new List<(TestWatch Watch, long From)>();
        for (int i = 0; i < 12; i++)
        {
            long asked = random.Next(3) == 0 ? 0 : random.Next(1, Writes);
            var watch = TestWatch.On(_store.Channel);
            WatchCreateRequest request = Prefix("k");
            request.StartRevision = asked;
            WatchResponse created = await watch.CreateAsync(request);
            starts.Add((watch, asked > 0 ? Math.Max(asked, 2) : created.Header.Revision + 1));
        }

        await writing;
        foreach ((TestWatch watch, long from) in starts)
        {
            List<string> events = await watch.EventsAsync((int)(Writes + 2 - from));
            Assert.Equal(Enumerable.Range((int)from, events.Count).Select(i => $"{i}"), events.Select(text => text[(text.IndexOf('@') + 1)..]));
            await watch.DisposeAsync();
        }
    }

    private static WatchCreateRequest Key(string key, long start = 0) => new() { Key = Bytes(key), StartRevision = start };

    private static WatchCreateRequest Prefix(string prefix)
    {
        KeyRange range = KeyRange.Prefix(prefix);
        return new() { Key = range.Key, RangeEnd = range.End };
    }
}
