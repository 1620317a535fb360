using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;
using static Discovery.Store.Tests.Api.TestStore;

namespace Discovery.Store.Tests.Api;

public sealed class KvServiceTests : IAsyncLifetime
{
    private TestStore _store = null!;

    public async Task InitializeAsync() => _store = await TestStore.StartAsync();

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task A_fresh_store_is_at_revision_1_and_the_first_put_makes_2()
    {
        RangeResponse empty = await _store.RangeAsync(new() { Key = Bytes("a") });
        PutResponse put = await _store.PutAsync("a", "1");

        Assert.Equal((1, 0), (empty.Header.Revision, empty.Count));
        Assert.Equal(2, put.Header.Revision);
        Assert.NotEqual(0UL, put.Header.ClusterId);
        Assert.NotEqual(0UL, put.Header.MemberId);
        Assert.NotEqual(0UL, put.Header.RaftTerm);
    }

    [Fact]
    public async Task A_range_reads_what_was_put_with_its_versions()
    {
        await _store.PutAsync("a", "1");
        await _store.PutAsync("b", "2");
        await _store.PutAsync("a", "3");

        RangeResponse all = await _store.RangeAsync(new() { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0) });
        RangeResponse old = await _store.RangeAsync(new() { Key = Bytes("a"), Revision = 2, Serializable = true });

        Assert.Equal(["a=3 create 2 mod 4 version 2", "b=2 create 3 mod 3 version 1"], all.Kvs.Select(Text));
        Assert.Equal(["a=1 create 2 mod 2 version 1"], old.Kvs.Select(Text));
        Assert.Equal(4, old.Header.Revision);
    }

    [Fact]
    public async Task A_delete_of_nothing_moves_no_revision()
    {
        await _store.PutAsync("a", "1");

        DeleteRangeResponse none = await _store.DeleteAsync("b");
        DeleteRangeResponse one = await _store.DeleteAsync("a");

        Assert.Equal((0, 2), (none.Deleted, none.Header.Revision));
        Assert.Equal((1, 3), (one.Deleted, one.Header.Revision));
    }

    [Fact]
    public async Task A_txn_takes_one_branch_in_one_revision()
    {
        await _store.PutAsync("a", "1");
        var request = new TxnRequest();
        request.Compare.Add(new Compare { Key = Bytes("a"), Target = Compare.Types.CompareTarget.Value, Value = Bytes("1") });
        request.Success.Add(new RequestOp { RequestPut = new() { Key = Bytes("b"), Value = Bytes("2") } });
        request.Success.Add(new RequestOp { RequestRange = new() { Key = Bytes("b") } });
        request.Failure.Add(new RequestOp { RequestPut = new() { Key = Bytes("c"), Value = Bytes("3") } });

        TxnResponse response = await _store.TxnAsync(request);

        Assert.True(response.Succeeded);
        Assert.Equal(3, response.Header.Revision);
        Assert.Equal("b=2 create 3 mod 3 version 1", Text(response.Responses[1].ResponseRange.Kvs[0]));
    }

    [Fact]
    public async Task Requests_without_a_key_are_refused_with_etcds_words()
    {
        await FailsAsync(EtcdError.EmptyKey, () => _store.RangeAsync(new()));
        await FailsAsync(EtcdError.EmptyKey, () => _store.PutAsync("", "1"));
        await FailsAsync(EtcdError.EmptyKey, () => _store.DeleteAsync(""));
        await FailsAsync(EtcdError.EmptyKey, () => _store.TxnAsync(new() { Compare = { new Compare() } }));
        await FailsAsync(EtcdError.EmptyKey, () => _store.TxnAsync(new() { Success = { new RequestOp { RequestPut = new() } } }));
    }

    [Fact]
    public async Task Wrong_puts_are_refused_with_etcds_words()
    {
        await FailsAsync(EtcdError.ValueProvided, () => PutAsync(new() { Key = Bytes("a"), Value = Bytes("1"), IgnoreValue = true }));
        await FailsAsync(EtcdError.LeaseProvided, () => PutAsync(new() { Key = Bytes("a"), Lease = 7, IgnoreLease = true }));
        await FailsAsync(EtcdError.KeyNotFound, () => PutAsync(new() { Key = Bytes("a"), IgnoreValue = true }));
        await FailsAsync(EtcdError.KeyNotFound, () => PutAsync(new() { Key = Bytes("a"), IgnoreLease = true }));
        await FailsAsync(EtcdError.LeaseNotFound, () => PutAsync(new() { Key = Bytes("a"), Lease = 7 }));
        Assert.Equal(1, (await _store.RangeAsync(new() { Key = Bytes("a") })).Header.Revision);

        Task PutAsync(PutRequest request) => _store.CallAsync("/etcdserverpb.KV/Put", request, PutResponse.Parser);
    }

    [Fact]
    public async Task Wrong_transactions_are_refused_with_etcds_words()
    {
        RequestOp put = new() { RequestPut = new() { Key = Bytes("a") } };
        RequestOp delete = new() { RequestDeleteRange = new() { Key = Bytes("a"), RangeEnd = Bytes("c") } };

        await FailsAsync(EtcdError.DuplicateKey, () => _store.TxnAsync(new() { Success = { put, put } }));
        await FailsAsync(EtcdError.DuplicateKey, () => _store.TxnAsync(new() { Failure = { delete, put } }));
        await FailsAsync(EtcdError.KeyNotFound, () => _store.TxnAsync(new() { Success = { new RequestOp() } }));
        var many = new TxnRequest();
        many.Success.AddRange(Enumerable.Range(0, 129).Select(i => new RequestOp { RequestPut = new() { Key = Bytes($"k{i}") } }));
        await FailsAsync(EtcdError.TooManyOps, () => _store.TxnAsync(many));
        many.Success.RemoveAt(0);
        Assert.Equal(2, (await _store.TxnAsync(many)).Header.Revision);
    }

    [Fact]
    public async Task Revisions_out_of_reach_are_refused_with_etcds_words()
    {
        await _store.PutAsync("a", "1");
        await _store.PutAsync("a", "2");
        await _store.PutAsync("a", "3");
        await _store.CompactAsync(3);

        await FailsAsync(EtcdError.Compacted, () => _store.RangeAsync(new() { Key = Bytes("a"), Revision = 2 }));
        await FailsAsync(EtcdError.FutureRevision, () => _store.RangeAsync(new() { Key = Bytes("a"), Revision = 5 }));
        await FailsAsync(EtcdError.Compacted, () => _store.CompactAsync(3));
        await FailsAsync(EtcdError.FutureRevision, () => _store.CompactAsync(5));
        Assert.Equal("2", (await _store.RangeAsync(new() { Key = Bytes("a"), Revision = 3 })).Kvs[0].Value.ToStringUtf8());
    }

    [Fact]
    public async Task A_sort_order_that_does_not_exist_is_refused()
    {
        var request = new RangeRequest { Key = Bytes("a"), SortOrder = (RangeRequest.Types.SortOrder)9 };

        await FailsAsync(EtcdError.InvalidSortOption, () => _store.RangeAsync(request));
    }

    [Fact]
    public async Task A_request_above_the_limit_is_too_large_and_one_below_is_kept()
    {
        string large = new('x', (1536 * 1024) - 100);

        await _store.PutAsync("a", large);
        await FailsAsync(EtcdError.RequestTooLarge, () => _store.PutAsync("a", large + new string('x', 200)));

        Assert.Equal(large.Length, (await _store.RangeAsync(new() { Key = Bytes("a") })).Kvs[0].Value.Length);
        var beyond = await Assert.ThrowsAsync<GrpcException>(() => _store.PutAsync("a", new string('x', 3 * 1024 * 1024)));
        Assert.Equal(GrpcStatusCode.ResourceExhausted, beyond.Code);
    }

    private static string Text(KeyValue kv) =>
        $"{kv.Key.ToStringUtf8()}={kv.Value.ToStringUtf8()} create {kv.CreateRevision} mod {kv.ModRevision} version {kv.Version}";
}
