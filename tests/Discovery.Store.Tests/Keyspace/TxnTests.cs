using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using static Discovery.Store.Tests.Keyspace.KeyspaceDriver;
using CompareResult = Discovery.EtcdApi.Messages.Compare.Types.CompareResult;
using CompareTarget = Discovery.EtcdApi.Messages.Compare.Types.CompareTarget;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>Transactions: what is compared, what is refused, what the operations see of each other.</summary>
public sealed class TxnTests
{
    private readonly KeyspaceDriver _store = new();

    [Fact]
    public void Writes_of_one_transaction_share_a_revision_and_a_watch_gets_them_together()
    {
        TxnResponse response = _store.Txn(new TxnRequest { Success = { PutOp("b", "1"), PutOp("a", "2"), DeleteOp("x") } });

        Assert.True(response.Succeeded);
        Assert.Equal(2, response.Header.Revision);
        RevisionEvents events = _store.View.EventsFrom(2).Single();
        Assert.Equal(["b", "a"], events.Events.Select(e => e.Kv.Key.ToStringUtf8()));
        Assert.Equal((2, 2), (_store.Get("a")!.ModRevision, _store.Get("b")!.ModRevision));
    }

    [Fact]
    public void Transaction_that_writes_nothing_makes_no_revision()
    {
        _store.Put("a", "1");

        TxnResponse response = _store.Txn(new TxnRequest { Success = { RangeOp("a"), DeleteOp("x") } });

        Assert.Equal(2, response.Header.Revision);
        Assert.Equal(2, _store.View.Revision);
    }

    [Fact]
    public void Ranges_see_the_writes_before_them_and_not_those_after()
    {
        TxnResponse response = _store.Txn(new TxnRequest
        {
            Success = { RangeOp("\0", "\0"), PutOp("a", "1"), RangeOp("\0", "\0"), DeleteOp("b"), PutOp("c", "1"), RangeOp("\0", "\0") },
        });

        Assert.Equal("", Keys(response.Responses[0].ResponseRange));
        Assert.Equal("a", Keys(response.Responses[2].ResponseRange));
        Assert.Equal("a c", Keys(response.Responses[5].ResponseRange));
        Assert.Equal(1, response.Responses[0].ResponseRange.Header.Revision);
        Assert.Equal(2, response.Responses[2].ResponseRange.Header.Revision);
    }

    [Theory]
    [InlineData(CompareTarget.Version, CompareResult.Equal, 2, true)]
    [InlineData(CompareTarget.Version, CompareResult.Greater, 1, true)]
    [InlineData(CompareTarget.Create, CompareResult.Equal, 2, true)]
    [InlineData(CompareTarget.Create, CompareResult.NotEqual, 2, false)]
    [InlineData(CompareTarget.Mod, CompareResult.Less, 3, false)]
    [InlineData(CompareTarget.Mod, CompareResult.Less, 4, true)]
    [InlineData(CompareTarget.Lease, CompareResult.Equal, 0, true)]
    public void Numbers_compare(CompareTarget target, CompareResult result, long number, bool holds)
    {
        _store.Put("a", "1");
        _store.Put("a", "2");

        Assert.Equal(holds, Holds(Number("a", target, result, number)));
    }

    [Theory]
    [InlineData(CompareResult.Equal, "2", true)]
    [InlineData(CompareResult.Equal, "", false)]
    [InlineData(CompareResult.Greater, "1", true)]
    [InlineData(CompareResult.Less, "20", true)]
    [InlineData(CompareResult.NotEqual, "2", false)]
    public void Values_compare_by_bytes(CompareResult result, string value, bool holds)
    {
        _store.Put("a", "2");

        Assert.Equal(holds, Holds(new Compare { Key = Bytes("a"), Target = CompareTarget.Value, Result = result, Value = Bytes(value) }));
    }

    [Fact]
    public void Missing_key_has_zeros_for_numbers_and_fails_every_value()
    {
        Assert.True(Holds(Number("x", CompareTarget.Create, CompareResult.Equal, 0)));
        Assert.True(Holds(Number("x", CompareTarget.Version, CompareResult.Equal, 0)));
        Assert.False(Holds(Number("x", CompareTarget.Mod, CompareResult.Greater, 0)));
        foreach (CompareResult result in Enum.GetValues<CompareResult>())
        {
            Assert.False(Holds(new Compare { Key = Bytes("x"), Target = CompareTarget.Value, Result = result, Value = Bytes("1") }));
        }
    }

    [Fact]
    public void Number_that_is_not_given_is_zero()
    {
        Assert.True(Holds(new Compare { Key = Bytes("x"), Target = CompareTarget.Create }));
        _store.Put("x", "1");
        Assert.False(Holds(new Compare { Key = Bytes("x"), Target = CompareTarget.Create }));
    }

    [Fact]
    public void Every_key_of_a_compared_range_must_pass()
    {
        _store.Put("k1", "1");
        _store.Put("k2", "1");
        Compare compare = Number("k", CompareTarget.Version, CompareResult.Equal, 1);
        compare.RangeEnd = Bytes("l");

        Assert.True(Holds(compare));
        _store.Put("k2", "2");
        Assert.False(Holds(compare));

        compare.Key = Bytes("m");
        compare.RangeEnd = Bytes("n");
        Assert.False(Holds(compare));
        compare.Version = 0;
        Assert.True(Holds(compare));
    }

    [Fact]
    public void All_compares_must_hold_and_the_other_branch_runs_otherwise()
    {
        _store.Put("a", "1");
        var txn = new TxnRequest
        {
            Compare = { Number("a", CompareTarget.Version, CompareResult.Equal, 1), Number("a", CompareTarget.Version, CompareResult.Equal, 2) },
            Success = { PutOp("yes", "") },
            Failure = { PutOp("no", "") },
        };

        Assert.False(_store.Txn(txn).Succeeded);
        Assert.Equal("a no", Keys(_store.Range("\0", "\0")));
    }

    /// <summary>etcd chooses all branches, nested ones too, on the state before the transaction.</summary>
    [Fact]
    public void Nested_compares_look_at_the_state_before()
    {
        var nested = new TxnRequest
        {
            Compare = { Number("a", CompareTarget.Version, CompareResult.Greater, 0) },
            Success = { PutOp("seen", "") },
            Failure = { PutOp("unseen", "") },
        };

        TxnResponse response = _store.Txn(new TxnRequest
        {
            Success = { PutOp("a", "1"), new RequestOp { RequestTxn = nested } },
        });

        Assert.False(response.Responses[1].ResponseTxn.Succeeded);
        Assert.Equal("a unseen", Keys(_store.Range("\0", "\0")));
        Assert.Equal(2, _store.View.Revision);
    }

    [Fact]
    public void Failed_transaction_changes_nothing()
    {
        _store.Put("a", "1");
        string before = KeyspaceSnapshot.Of(_store.View);

        Assert.Equal(EtcdError.LeaseNotFound, Refused(PutOp("b", "1"), PutOp("c", "1", lease: 99)));
        Assert.Equal(EtcdError.FutureRevision, Refused(PutOp("b", "1"), RangeOp("a", revision: 3)));
        Assert.Equal(EtcdError.KeyNotFound, Refused(
            PutOp("b", "1"), new RequestOp { RequestPut = new PutRequest { Key = Bytes("zz"), IgnoreValue = true } }));

        // Only the applied index has moved.
        _store.State.Skip(1);
        Assert.Equal(before, KeyspaceSnapshot.Of(_store.View));
    }

    [Fact]
    public void Compacted_range_in_a_transaction_refuses_it()
    {
        _store.Put("a", "1");
        _store.Put("a", "2");
        _store.Compact(3);

        Assert.Equal(EtcdError.Compacted, Refused(PutOp("b", "1"), RangeOp("a", revision: 2)));
    }

    [Fact]
    public void Branch_that_is_not_taken_is_not_checked_against_the_state()
    {
        TxnResponse response = _store.Txn(new TxnRequest { Success = { PutOp("a", "1") }, Failure = { PutOp("b", "1", lease: 99) } });

        Assert.True(response.Succeeded);
    }

    [Fact]
    public void Key_put_twice_or_put_and_deleted_is_refused()
    {
        RequestOp putA = PutOp("a", "1");
        RequestOp putInside = Nested([PutOp("a", "1")], []);

        Assert.Equal(EtcdError.DuplicateKey, Refused(putA, putA));
        Assert.Equal(EtcdError.DuplicateKey, Refused(putA, DeleteOp("a")));
        Assert.Equal(EtcdError.DuplicateKey, Refused(DeleteOp("\0", "b"), putA));
        Assert.Equal(EtcdError.DuplicateKey, Refused(putA, putInside));
        Assert.Equal(EtcdError.DuplicateKey, Refused(putInside, putInside));
        Assert.Equal(EtcdError.DuplicateKey, Refused(DeleteOp("a"), putInside));
        Assert.Equal(EtcdError.DuplicateKey, Refused(Nested([DeleteOp("a")], []), putA));
        Assert.Equal(EtcdError.DuplicateKey, _store.Refused(CommandKind.Txn, new TxnRequest { Failure = { putA, putA } }));
    }

    /// <summary>An oddity of etcd's check, which the oracle found: it takes the end "every key from" as a byte.</summary>
    [Fact]
    public void Put_beside_a_delete_of_every_key_from_a_start_is_not_refused()
    {
        _store.Txn(new TxnRequest { Success = { DeleteOp("\0", "\0"), PutOp("a", "1") } });

        Assert.Equal("1", _store.Get("a")!.Value.ToStringUtf8());
    }

    [Fact]
    public void Branches_that_exclude_each_other_may_put_one_key()
    {
        _store.Txn(new TxnRequest { Success = { Nested([PutOp("a", "1")], [PutOp("a", "2")]), DeleteOp("b"), DeleteOp("b", "c") } });

        Assert.Equal("1", _store.Get("a")!.Value.ToStringUtf8());
    }

    /// <summary>etcd does not see a deletion "from a key on" when it looks for duplicates.</summary>
    [Fact]
    public void Key_may_be_put_beside_a_deletion_without_end()
    {
        _store.Put("a", "0");
        _store.Txn(new TxnRequest { Success = { DeleteOp("\0", "\0"), PutOp("a", "1") } });
        Assert.Equal((3L, 1L), (_store.Get("a")!.CreateRevision, _store.Get("a")!.Version));

        _store.Txn(new TxnRequest { Success = { PutOp("a", "2"), DeleteOp("\0", "\0") } });
        Assert.Null(_store.Get("a"));
        Assert.Equal("1", _store.Get("a", revision: 3)!.Value.ToStringUtf8());
        Assert.Equal(KeyspaceSnapshot.Of(_store.View), KeyspaceSnapshot.Of(KeyspaceSnapshot.Restored(_store.View).Publish()));
    }

    /// <summary>etcd lets a later sibling delete what an earlier one put: two events in one revision, the key is gone.</summary>
    [Fact]
    public void Later_sibling_may_delete_what_an_earlier_one_put()
    {
        _store.Txn(new TxnRequest { Success = { Nested([PutOp("a", "1")], []), Nested([DeleteOp("a")], []) } });

        Assert.Null(_store.Get("a"));
        Assert.Null(_store.Get("a", revision: 2));
        Assert.Equal([false, true], _store.View.EventsFrom(2).Single().Events.Select(e => e.IsDelete));
        Assert.Equal(0, _store.View.LiveBytes);
        Assert.Equal(KeyspaceSnapshot.Of(_store.View), KeyspaceSnapshot.Of(KeyspaceSnapshot.Restored(_store.View).Publish()));
    }

    [Fact]
    public void Operations_are_counted_with_those_of_what_they_are_nested_in()
    {
        Assert.Equal(EtcdError.TooManyOps, Check(Ops(129)));
        Assert.Null(Check(Ops(128)));
        IEnumerable<Compare> compares = Enumerable.Range(0, 129).Select(i => Number($"{i}", CompareTarget.Mod, CompareResult.Equal, 0));
        Assert.Equal(EtcdError.TooManyOps, Check(new TxnRequest { Compare = { compares } }));

        TxnRequest outer = Ops(100);
        outer.Success.Add(new RequestOp { RequestTxn = new TxnRequest { Success = { Ops(27, "n").Success } } });
        Assert.Null(Check(outer));
        outer.Success[^1].RequestTxn.Success.Add(PutOp("n27", ""));
        Assert.Equal(EtcdError.TooManyOps, Check(outer));
    }

    [Fact]
    public void Operation_without_content_and_compare_without_key_are_refused()
    {
        Assert.Equal(EtcdError.KeyNotFound, Refused(new RequestOp()));
        Assert.Equal(EtcdError.EmptyKey, _store.Refused(CommandKind.Txn, new TxnRequest { Compare = { new Compare() } }));
        Assert.Equal(EtcdError.EmptyKey, Refused(PutOp("", "1")));
        Assert.Equal(EtcdError.EmptyKey, Refused(Nested([], [RangeOp("")])));
    }

    private static EtcdError? Check(TxnRequest txn) => RequestRules.Check(new Command(CommandKind.Txn, txn), 128);

    private static TxnRequest Ops(int count, string prefix = "k") =>
        new() { Success = { Enumerable.Range(0, count).Select(i => PutOp($"{prefix}{i}", "")) } };

    private static RequestOp Nested(RequestOp[] success, RequestOp[] failure) =>
        new() { RequestTxn = new TxnRequest { Success = { success }, Failure = { failure } } };

    private static Compare Number(string key, CompareTarget target, CompareResult result, long number)
    {
        var compare = new Compare { Key = Bytes(key), Target = target, Result = result };
        switch (target)
        {
            case CompareTarget.Version:
                compare.Version = number;
                break;
            case CompareTarget.Create:
                compare.CreateRevision = number;
                break;
            case CompareTarget.Mod:
                compare.ModRevision = number;
                break;
            default:
                compare.Lease = number;
                break;
        }

        return compare;
    }

    private bool Holds(Compare compare) => _store.Txn(new TxnRequest { Compare = { compare } }).Succeeded;

    private EtcdError? Refused(params RequestOp[] ops) => _store.Refused(CommandKind.Txn, new TxnRequest { Success = { ops } });
}
