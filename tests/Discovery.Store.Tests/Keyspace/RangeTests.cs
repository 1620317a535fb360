using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using static Discovery.Store.Tests.Keyspace.KeyspaceDriver;
using SortOrder = Discovery.EtcdApi.Messages.RangeRequest.Types.SortOrder;
using SortTarget = Discovery.EtcdApi.Messages.RangeRequest.Types.SortTarget;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>Every option of a range. Five keys: b was put twice, e is the oldest by creation and the smallest by value.</summary>
public sealed class RangeTests
{
    private readonly KeyspaceDriver _store = new();

    public RangeTests()
    {
        _store.Put("e", "1");
        _store.Put("a", "5");
        _store.Put("b", "4");
        _store.Put("c", "3");
        _store.Put("d", "2");
        _store.Put("b", "6");
    }

    [Theory]
    [InlineData("a", "", "a")]
    [InlineData("x", "", "")]
    [InlineData("b", "d", "b c")]
    [InlineData("c", "\0", "c d e")]
    [InlineData("\0", "\0", "a b c d e")]
    [InlineData("d", "b", "")]
    [InlineData("b", "b", "")]
    public void Range_end_means_what_it_means_in_etcd(string key, string end, string found)
    {
        RangeResponse response = _store.Range(key, end);

        Assert.Equal(found, Keys(response));
        Assert.Equal(found.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, response.Count);
        Assert.False(response.More);
    }

    [Fact]
    public void Keys_sort_by_bytes_not_by_text()
    {
        var store = new KeyspaceDriver();
        string[] keys = ["\u00ff", "a", "a\0", "aa", "Z", "\u0080"];
        foreach (string key in keys)
        {
            store.Put(key, "");
        }

        Assert.Equal(
            ["Z", "a", "a\0", "aa", "\u0080", "\u00ff"],
            store.Range("\0", "\0").Kvs.Select(kv => string.Concat(kv.Key.Select(b => (char)b))));
    }

    [Theory]
    [InlineData(0, "a b c d e", false)]
    [InlineData(2, "a b", true)]
    [InlineData(5, "a b c d e", false)]
    [InlineData(9, "a b c d e", false)]
    public void Limit_cuts_and_says_so_but_the_count_is_of_all(int limit, string found, bool more)
    {
        RangeResponse now = _store.Range("\0", "\0", r => r.Limit = limit);
        RangeResponse then = _store.Range("\0", "\0", r => (r.Limit, r.Revision) = (limit, 6));

        Assert.Equal((found, more, 5L), (Keys(now), now.More, now.Count));
        Assert.Equal((found, more, 5L), (Keys(then), then.More, then.Count));
    }

    [Theory]
    [InlineData(SortOrder.Descend, SortTarget.Key, "e d c b a")]
    [InlineData(SortOrder.Ascend, SortTarget.Value, "e d c a b")]
    [InlineData(SortOrder.Descend, SortTarget.Value, "b a c d e")]
    [InlineData(SortOrder.Ascend, SortTarget.Create, "e a b c d")]
    [InlineData(SortOrder.Ascend, SortTarget.Mod, "e a c d b")]
    [InlineData(SortOrder.Descend, SortTarget.Version, "b a c d e")]
    [InlineData(SortOrder.None, SortTarget.Mod, "e a c d b")]
    public void Sorts_by_every_target(SortOrder order, SortTarget target, string found)
    {
        Assert.Equal(found, Keys(_store.Range("\0", "\0", r => (r.SortOrder, r.SortTarget) = (order, target))));
    }

    [Fact]
    public void Sorting_comes_before_the_limit()
    {
        RangeResponse response = _store.Range(
            "\0", "\0", r => (r.SortOrder, r.SortTarget, r.Limit) = (SortOrder.Descend, SortTarget.Value, 2));

        Assert.Equal(("b a", true, 5L), (Keys(response), response.More, response.Count));
    }

    [Fact]
    public void Unknown_sort_options_are_refused()
    {
        Assert.True(EtcdError.InvalidSortOption.Is(
            Assert.Throws<GrpcException>(() => _store.Range("a", with: r => r.SortOrder = (SortOrder)7))));
        Assert.True(EtcdError.InvalidSortOption.Is(
            Assert.Throws<GrpcException>(() => _store.Range("a", with: r => r.SortTarget = (SortTarget)7))));
        Assert.True(EtcdError.EmptyKey.Is(Assert.Throws<GrpcException>(() => _store.Range(""))));
    }

    [Fact]
    public void Revision_filters_pick_pairs_but_do_not_touch_the_count()
    {
        RangeResponse mod = _store.Range("\0", "\0", r => (r.MinModRevision, r.MaxModRevision) = (3, 6));
        RangeResponse create = _store.Range("\0", "\0", r => (r.MinCreateRevision, r.MaxCreateRevision) = (4, 5));
        RangeResponse limited = _store.Range("\0", "\0", r => (r.MinModRevision, r.Limit) = (3, 2));

        Assert.Equal(("a c d", 5L, false), (Keys(mod), mod.Count, mod.More));
        Assert.Equal(("b c", 5L, false), (Keys(create), create.Count, create.More));
        Assert.Equal(("a b", true), (Keys(limited), limited.More));
    }

    [Fact]
    public void Keys_only_leaves_out_values_and_nothing_else()
    {
        _store.Grant(5);
        _store.Put("a", "9", lease: 5);

        KeyValue kv = _store.Range("a", with: r => r.KeysOnly = true).Kvs.Single();

        Assert.True(kv.Value.IsEmpty);
        Assert.Equal((5L, 2L, 3L, 8L), (kv.Lease, kv.Version, kv.CreateRevision, kv.ModRevision));
        Assert.Equal("9", _store.Get("a")!.Value.ToStringUtf8());
    }

    [Fact]
    public void Count_only_counts_without_pairs_now_and_then()
    {
        _store.Delete("c");

        RangeResponse now = _store.Range("b", "e", r => (r.CountOnly, r.Limit) = (true, 1));
        RangeResponse then = _store.Range("b", "e", r => (r.CountOnly, r.Revision) = (true, 7));

        Assert.Equal((0, 2L, false), (now.Kvs.Count, now.Count, now.More));
        Assert.Equal((0, 3L), (then.Kvs.Count, then.Count));
        Assert.Equal(1, _store.Range("a", with: r => r.CountOnly = true).Count);
        Assert.Equal(0, _store.Range("c", with: r => r.CountOnly = true).Count);
    }
}
