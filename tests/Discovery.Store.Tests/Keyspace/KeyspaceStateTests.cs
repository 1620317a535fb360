using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using static Discovery.Store.Tests.Keyspace.KeyspaceDriver;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>Puts, deletions, leases, compaction and history, against what etcd does.</summary>
public sealed class KeyspaceStateTests
{
    private readonly KeyspaceDriver _store = new();

    [Fact]
    public void Fresh_store_is_at_revision_1_and_the_first_write_makes_2()
    {
        Assert.Equal(1, _store.View.Revision);
        Assert.Equal(1, _store.Range("a").Header.Revision);

        Assert.Equal(2, _store.Put("a", "1").Header.Revision);
        Assert.Equal(2, _store.View.Revision);
    }

    [Fact]
    public void Put_counts_version_and_keeps_the_create_revision_until_the_key_is_deleted()
    {
        _store.Put("a", "1");
        _store.Put("b", "x");
        _store.Put("a", "2");
        Assert.Equal("{ \"key\": \"YQ==\", \"createRevision\": \"2\", \"modRevision\": \"4\", \"version\": \"2\", \"value\": \"Mg==\" }", _store.Get("a")!.ToString());

        _store.Delete("a");
        _store.Put("a", "3");

        KeyValue again = _store.Get("a")!;
        Assert.Equal((6, 6, 1), (again.CreateRevision, again.ModRevision, again.Version));
    }

    [Fact]
    public void Put_answers_with_the_pair_before_when_asked()
    {
        Assert.Null(_store.Put("a", "1", prevKv: true).PrevKv);
        Assert.Null(_store.Put("a", "2").PrevKv);
        Assert.Equal("2", _store.Put("a", "3", prevKv: true).PrevKv.Value.ToStringUtf8());
    }

    [Fact]
    public void Ignore_value_keeps_the_value_and_ignore_lease_keeps_the_lease()
    {
        _store.Grant(7);
        _store.Grant(8);
        _store.Put("a", "1", lease: 7);

        _store.Apply(CommandKind.Put, new PutRequest { Key = Bytes("a"), IgnoreValue = true, Lease = 8 });
        Assert.Equal(("1", 8L), (_store.Get("a")!.Value.ToStringUtf8(), _store.Get("a")!.Lease));

        _store.Apply(CommandKind.Put, new PutRequest { Key = Bytes("a"), Value = Bytes("2"), IgnoreLease = true });
        Assert.Equal(("2", 8L), (_store.Get("a")!.Value.ToStringUtf8(), _store.Get("a")!.Lease));
    }

    public static TheoryData<PutRequest, string> WrongPuts => new()
    {
        { new PutRequest(), "etcdserver: key is not provided" },
        { new PutRequest { Key = Bytes("a"), Value = Bytes("1"), IgnoreValue = true }, "etcdserver: value is provided" },
        { new PutRequest { Key = Bytes("a"), Lease = 1, IgnoreLease = true }, "etcdserver: lease is provided" },
        { new PutRequest { Key = Bytes("a"), Lease = 99 }, "etcdserver: requested lease not found" },
        { new PutRequest { Key = Bytes("a"), IgnoreValue = true }, "etcdserver: key not found" },
        { new PutRequest { Key = Bytes("a"), IgnoreLease = true }, "etcdserver: key not found" },
    };

    [Theory, MemberData(nameof(WrongPuts))]
    public void Wrong_put_is_refused_in_etcds_words_and_changes_nothing(PutRequest put, string text)
    {
        Assert.Equal(text, _store.Refused(CommandKind.Put, put)!.Text);
        Assert.Equal(1, _store.View.Revision);
    }

    [Fact]
    public void Delete_of_nothing_does_not_advance_the_revision()
    {
        _store.Put("a", "1");

        DeleteRangeResponse response = _store.Delete("x", "z");

        Assert.Equal((0, 2), (response.Deleted, response.Header.Revision));
        Assert.Equal(2, _store.View.Revision);
    }

    [Fact]
    public void Delete_of_a_range_is_one_revision_and_answers_the_pairs_when_asked()
    {
        _store.Put("a", "1");
        _store.Put("b", "2");
        _store.Put("c", "3");

        DeleteRangeResponse response = _store.Delete("a", "c", prevKv: true);

        Assert.Equal((2, 5), (response.Deleted, response.Header.Revision));
        Assert.Equal(["1", "2"], response.PrevKvs.Select(kv => kv.Value.ToStringUtf8()));
        Assert.Equal("c", Keys(_store.Range("\0", "\0")));
        Assert.Empty(_store.Delete("a", "c", prevKv: true).PrevKvs);
    }

    [Fact]
    public void Old_revisions_stay_readable_and_future_ones_are_refused()
    {
        _store.Put("a", "1");
        _store.Put("a", "2");
        _store.Delete("a");

        Assert.Null(_store.Get("a", revision: 1));
        Assert.Equal("1", _store.Get("a", revision: 2)!.Value.ToStringUtf8());
        Assert.Equal("2", _store.Get("a", revision: 3)!.Value.ToStringUtf8());
        Assert.Null(_store.Get("a", revision: 4));
        Assert.Equal(4, _store.Range("a", with: r => r.Revision = 2).Header.Revision);
        Assert.True(EtcdError.FutureRevision.Is(Assert.Throws<GrpcException>(() => _store.Get("a", revision: 5))));
    }

    [Fact]
    public void View_stays_as_it_was_whatever_happens_after()
    {
        for (int i = 0; i < 200; i++)
        {
            _store.Put($"k{i:d3}", "old");
        }

        KeyspaceView before = _store.View;
        for (int i = 0; i < 200; i++)
        {
            _store.Put($"k{i:d3}", "new");
            _store.Put($"n{i:d3}", "new");
        }

        _store.Delete("k", "l");
        _store.Compact(_store.View.Revision);
        _store.State.Trim(int.MaxValue);

        RangeResponse seen = before.Range(new RangeRequest { Key = Bytes("\0"), RangeEnd = Bytes("\0") });
        Assert.Equal(200, seen.Count);
        Assert.All(seen.Kvs, kv => Assert.Equal("old", kv.Value.ToStringUtf8()));
        Assert.Equal(Enumerable.Range(2, 200).Select(r => (long)r), before.EventsFrom(1).Select(e => e.Revision));
    }

    [Fact]
    public void Revoking_a_lease_deletes_its_keys_sorted_in_one_revision()
    {
        _store.Grant(7);
        foreach (string key in new[] { "c", "a", "b" })
        {
            _store.Put(key, key, lease: 7);
        }

        _store.Put("d", "stays");
        Assert.Equal(6, _store.Revoke(7).Header.Revision);

        RevisionEvents events = _store.View.EventsFrom(6).Single();
        Assert.Equal(["a", "b", "c"], events.Events.Select(e => e.Kv.Key.ToStringUtf8()));
        Assert.All(events.Events, e => Assert.True(e.IsDelete && e.Previous is not null && e.Kv.Value.IsEmpty && e.Kv.Version == 0));
        Assert.Equal("d", Keys(_store.Range("\0", "\0")));
        Assert.Empty(_store.View.LeaseIds);
    }

    [Fact]
    public void Put_with_another_lease_or_none_takes_the_key_from_its_old_lease()
    {
        _store.Grant(7);
        _store.Grant(8);
        _store.Put("a", "1", lease: 7);
        _store.Put("b", "1", lease: 7);
        _store.Put("c", "1", lease: 7);

        _store.Put("a", "2", lease: 8);
        _store.Put("b", "2");
        _store.Delete("c");

        Assert.True(_store.View.TryGetLease(7, out LeaseView? old));
        Assert.Empty(old.Keys);
        _store.Revoke(7);
        Assert.Equal("a b", Keys(_store.Range("\0", "\0")));
        _store.Revoke(8);
        Assert.Equal("b", Keys(_store.Range("\0", "\0")));
    }

    [Fact]
    public void Lease_errors_are_etcds()
    {
        _store.Grant(7);

        Assert.Equal(EtcdError.LeaseExists, _store.Refused(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 7, TTL = 5 }));
        Assert.Equal(EtcdError.LeaseTtlTooLarge, _store.Refused(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = 9, TTL = 9_000_000_001 }));
        Assert.Equal(EtcdError.LeaseNotFound, _store.Refused(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = 9 }));
        Assert.Equal(9_000_000_000, _store.Grant(9, 9_000_000_000).TTL);
    }

    [Fact]
    public void Revoking_a_lease_without_keys_makes_no_revision()
    {
        _store.Grant(7);

        Assert.Equal(1, _store.Revoke(7).Header.Revision);
        Assert.Empty(_store.View.EventsFrom(0));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Compaction_keeps_what_stood_at_its_revision(bool trimmed)
    {
        _store.Put("a", "1");
        _store.Put("b", "1");
        _store.Put("a", "2");
        _store.Delete("b");
        _store.Put("a", "3");

        Assert.Equal(6, _store.Compact(4).Header.Revision);
        if (trimmed)
        {
            _store.State.Trim(int.MaxValue);
        }

        Assert.Equal(EtcdError.Compacted.Text, Assert.Throws<GrpcException>(() => _store.Get("a", revision: 3)).Message);
        Assert.Equal("2", _store.Get("a", revision: 4)!.Value.ToStringUtf8());
        Assert.Equal("1", _store.Get("b", revision: 4)!.Value.ToStringUtf8());
        Assert.Null(_store.Get("b", revision: 5));
        Assert.Equal("3", _store.Get("a")!.Value.ToStringUtf8());
        Assert.True(EtcdError.Compacted.Is(Assert.Throws<GrpcException>(() => _store.View.EventsFrom(3))));
        Assert.Equal([4L, 5L, 6L], _store.View.EventsFrom(4).Select(e => e.Revision));
        Assert.Null(_store.View.EventsFrom(4).First().Events[0].Previous);
        Assert.Equal("2", _store.View.EventsFrom(6).First().Events[0].Previous!.Value.ToStringUtf8());
    }

    [Fact]
    public void Compaction_errors_are_etcds()
    {
        _store.Put("a", "1");
        _store.Put("a", "2");

        Assert.Equal(EtcdError.FutureRevision, _store.Refused(CommandKind.Compact, new CompactionRequest { Revision = 4 }));
        _store.Compact(3);
        Assert.Equal(EtcdError.Compacted, _store.Refused(CommandKind.Compact, new CompactionRequest { Revision = 3 }));
        Assert.Equal(EtcdError.Compacted, _store.Refused(CommandKind.Compact, new CompactionRequest { Revision = 2 }));
    }

    /// <summary>etcd issue 19179: a watch from the compacted revision must get the deletion that happened at it.</summary>
    [Fact]
    public void Deletion_at_the_compacted_revision_stays_and_older_ones_go()
    {
        _store.Put("a", "1");
        _store.Put("b", "1");
        _store.Delete("a");
        _store.Delete("b");

        _store.Compact(5);
        _store.State.Trim(int.MaxValue);

        AppliedEvent kept = _store.View.EventsFrom(5).Single().Events.Single();
        Assert.Equal((true, "b"), (kept.IsDelete, kept.Kv.Key.ToStringUtf8()));
        Assert.Null(_store.View.Tree.Get(Bytes("a")));
        Assert.NotNull(_store.View.Tree.Get(Bytes("b")));

        _store.Put("c", "1");
        _store.Compact(6);
        _store.State.Trim(int.MaxValue);
        Assert.Null(_store.View.Tree.Get(Bytes("b")));
    }

    [Fact]
    public void Trimming_in_steps_ends_where_trimming_at_once_ends()
    {
        var other = new KeyspaceDriver();
        foreach (KeyspaceDriver store in new[] { _store, other })
        {
            for (int i = 0; i < 500; i++)
            {
                store.Put($"k{i % 7}", $"{i}");
                store.Delete($"k{i % 11}");
            }

            store.Compact(store.View.Revision - 3);
        }

        int steps = 0;
        while (_store.State.HasTrimming)
        {
            _store.State.Trim(10);
            steps++;
        }

        other.State.Trim(int.MaxValue);
        Assert.True(steps > 10);
        Assert.Equal(KeyspaceSnapshot.Of(other.View), KeyspaceSnapshot.Of(_store.View));
    }

    [Fact]
    public void Live_bytes_follow_puts_overwrites_and_deletions()
    {
        _store.Put("ab", "123");
        Assert.Equal(5, _store.View.LiveBytes);
        _store.Put("ab", "1");
        Assert.Equal(3, _store.View.LiveBytes);
        _store.Put("c", "");
        _store.Delete("ab");
        Assert.Equal(1, _store.View.LiveBytes);
    }

    [Fact]
    public void Applied_index_counts_refused_commands_and_empty_entries()
    {
        _store.Apply(CommandKind.Put, new PutRequest());
        Assert.Equal(1UL, _store.View.AppliedIndex);
        _store.State.Skip(2);
        Assert.Equal(2UL, _store.View.AppliedIndex);
    }
}
