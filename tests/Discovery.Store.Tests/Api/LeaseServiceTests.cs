using System.Threading.Channels;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;
using Google.Protobuf;
using static Discovery.Store.Tests.Api.TestStore;

namespace Discovery.Store.Tests.Api;

public sealed class LeaseServiceTests : IAsyncLifetime
{
    private TestStore _store = null!;

    public async Task InitializeAsync() => _store = await TestStore.StartAsync();

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [Fact]
    public async Task The_server_chooses_positive_ids_that_differ()
    {
        LeaseGrantResponse first = await _store.GrantAsync(60);
        LeaseGrantResponse second = await _store.GrantAsync(60);

        Assert.True(first.ID > 0 && second.ID > 0 && first.ID != second.ID);
        Assert.Equal(60, first.TTL);
        Assert.Equal(1, first.Header.Revision);
    }

    [Fact]
    public async Task A_short_lease_is_raised_and_a_wrong_one_refused_with_etcds_words()
    {
        LeaseGrantResponse shortest = await _store.GrantAsync(1, id: 7);

        Assert.Equal((7, 2), (shortest.ID, shortest.TTL));
        await FailsAsync(EtcdError.LeaseExists, () => _store.GrantAsync(10, id: 7));
        await FailsAsync(EtcdError.LeaseTtlTooLarge, () => _store.GrantAsync(9_000_000_001));
        await FailsAsync(EtcdError.LeaseNotFound, () => RevokeAsync(8));
    }

    [Fact]
    public async Task Revoking_a_lease_deletes_its_keys_in_one_revision()
    {
        long id = (await _store.GrantAsync(60)).ID;
        await _store.PutAsync("a", "1", id);
        await _store.PutAsync("b", "1", id);
        await _store.PutAsync("c", "1");

        LeaseRevokeResponse revoked = await RevokeAsync(id);

        Assert.Equal(5, revoked.Header.Revision);
        Assert.Equal(["c"], (await _store.GetPrefixAsync("")).Kvs.Select(kv => kv.Key.ToStringUtf8()));
    }

    [Fact]
    public async Task Time_to_live_tells_keys_when_asked_and_minus_1_of_the_unknown()
    {
        long id = (await _store.GrantAsync(60)).ID;
        await _store.PutAsync("a", "1", id);

        LeaseTimeToLiveResponse known = await TimeToLiveAsync(id, keys: true);
        LeaseTimeToLiveResponse unknown = await TimeToLiveAsync(99, keys: true);

        Assert.InRange(known.TTL, 55, 60);
        Assert.Equal((60, "a"), (known.GrantedTTL, known.Keys.Single().ToStringUtf8()));
        Assert.Equal((-1, 0, 99), (unknown.TTL, unknown.GrantedTTL, unknown.ID));
        Assert.Equal(2, known.Header.Revision);
    }

    [Fact]
    public async Task A_lease_that_nobody_renews_ends_with_its_keys()
    {
        long id = (await _store.GrantAsync(2)).ID;
        await _store.PutAsync("a", "1", id);

        await Eventually.HoldsAsync(async () => (await _store.GetPrefixAsync("")).Kvs.Count == 0);

        Assert.Equal(-1, (await TimeToLiveAsync(id, keys: false)).TTL);
    }

    [Fact]
    public async Task Keep_alive_answers_each_renewal_and_0_for_the_unknown()
    {
        long id = (await _store.GrantAsync(60)).ID;
        var requests = Channel.CreateUnbounded<IMessage>();
        requests.Writer.TryWrite(new LeaseKeepAliveRequest { ID = id });
        requests.Writer.TryWrite(new LeaseKeepAliveRequest { ID = 99 });
        requests.Writer.Complete();

        var answers = new List<LeaseKeepAliveResponse>();
        await foreach (LeaseKeepAliveResponse answer in _store.Channel.StreamAsync(
            "/etcdserverpb.Lease/LeaseKeepAlive", requests.Reader.ReadAllAsync(), LeaseKeepAliveResponse.Parser, null, CancellationToken.None))
        {
            answers.Add(answer);
        }

        Assert.Equal([(id, 60), (99, 0)], answers.Select(answer => (answer.ID, answer.TTL)));
        Assert.All(answers, answer => Assert.Equal(1, answer.Header.Revision));
    }

    [Fact]
    public async Task All_leases_are_listed()
    {
        await _store.GrantAsync(60, id: 5);
        await _store.GrantAsync(60, id: 6);

        var leases = await _store.CallAsync("/etcdserverpb.Lease/LeaseLeases", new LeaseLeasesRequest(), LeaseLeasesResponse.Parser);

        Assert.Equal([5, 6], leases.Leases.Select(lease => lease.ID).Order());
    }

    private Task<LeaseRevokeResponse> RevokeAsync(long id) =>
        _store.CallAsync("/etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = id }, LeaseRevokeResponse.Parser);

    private Task<LeaseTimeToLiveResponse> TimeToLiveAsync(long id, bool keys) =>
        _store.CallAsync("/etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = id, Keys = keys }, LeaseTimeToLiveResponse.Parser);
}
