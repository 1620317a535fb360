using System.Net;
using System.Net.Sockets;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using static Discovery.Store.Tests.Api.TestStore;

namespace Discovery.Store.Tests.Api;

public sealed class StoreServerTests
{
    [Fact]
    public async Task Members_and_status_say_who_answers()
    {
        await using TestStore store = await TestStore.StartAsync();
        await store.PutAsync("a", "1");

        var members = await store.CallAsync("/etcdserverpb.Cluster/MemberList", new MemberListRequest { Linearizable = true }, MemberListResponse.Parser);
        var status = await store.CallAsync("/etcdserverpb.Maintenance/Status", new StatusRequest(), StatusResponse.Parser);

        Member member = Assert.Single(members.Members);
        Assert.Equal(("m1", members.Header.MemberId), (member.Name, member.ID));
        Assert.Equal(["http://127.0.0.1:12379"], member.ClientURLs);
        Assert.Equal(0, members.Header.Revision);
        Assert.Equal(("3.5.21", member.ID, 2L), (status.Version, status.Leader, status.Header.Revision));
        Assert.True(status.RaftAppliedIndex > 0 && status.RaftIndex >= status.RaftAppliedIndex && status.RaftTerm > 0);
        Assert.True(status.DbSize > 0);
    }

    [Fact]
    public async Task What_is_not_served_is_unimplemented_in_grpcs_own_words()
    {
        await using TestStore store = await TestStore.StartAsync();

        await FailsAsync(new(GrpcStatusCode.Unimplemented, "unknown service etcdserverpb.Nothing"), () => CallAsync("/etcdserverpb.Nothing/Do"));
        await FailsAsync(new(GrpcStatusCode.Unimplemented, "unknown method Do for service etcdserverpb.KV"), () => CallAsync("/etcdserverpb.KV/Do"));
        await FailsAsync(
            EtcdError.AuthNotEnabled,
            () => store.CallAsync("/etcdserverpb.Auth/Authenticate", new AuthenticateRequest { Name = "root" }, AuthenticateResponse.Parser));

        Task CallAsync(string path) => store.CallAsync(path, new StatusRequest(), StatusResponse.Parser);
    }

    [Fact]
    public async Task The_health_service_says_serving_and_there_are_no_alarms()
    {
        await using TestStore store = await TestStore.StartAsync();

        var health = await store.CallAsync("/grpc.health.v1.Health/Check", new HealthCheckRequest(), HealthCheckResponse.Parser);
        var alarms = await store.CallAsync("/etcdserverpb.Maintenance/Alarm", new AlarmRequest(), AlarmResponse.Parser);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
        Assert.Empty(alarms.Alarms);
    }

    [Fact]
    public async Task A_restart_keeps_keys_revisions_history_and_leases()
    {
        string folder = Directory.CreateTempSubdirectory("discovery-store-").FullName;
        ulong member;
        await using (TestStore before = await TestStore.StartAsync(folder))
        {
            await before.GrantAsync(600, id: 5);
            await before.PutAsync("a", "1");
            await before.PutAsync("a", "2", lease: 5);
            PutResponse last = await before.PutAsync("b", "3");
            await before.DeleteAsync("b");
            member = last.Header.MemberId;
        }

        await using TestStore after = await TestStore.StartAsync(folder);
        RangeResponse now = await after.GetPrefixAsync("");
        RangeResponse old = await after.RangeAsync(new() { Key = Bytes("a"), Revision = 2 });
        await using var watch = Watch.TestWatch.On(after.Channel);
        await watch.CreateAsync(new() { Key = Bytes("a"), RangeEnd = Bytes("z"), StartRevision = 3 });

        Assert.Equal((5, member), (now.Header.Revision, now.Header.MemberId));
        Assert.Equal(("2", 5L, 2L), (now.Kvs.Single().Value.ToStringUtf8(), now.Kvs[0].Lease, now.Kvs[0].Version));
        Assert.Equal("1", old.Kvs.Single().Value.ToStringUtf8());
        Assert.Equal(["PUT a=2@3", "PUT b=3@4", "DELETE b@5"], await watch.EventsAsync(3));
        await FailsAsync(EtcdError.LeaseExists, () => after.GrantAsync(60, id: 5));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_port_in_use_is_one_clear_line()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;

        var e = await Assert.ThrowsAsync<StoreStartException>(() => TestStore.StartAsync(
            configure: options => options with { ListenClientUrls = [$"http://127.0.0.1:{port}"] }));

        Assert.Equal(
            $"cannot listen on 127.0.0.1:{port}: address already in use; another store? choose another --listen-client-urls",
            e.Message);
    }

    [Fact]
    public async Task An_address_of_another_machine_is_one_clear_line()
    {
        var e = await Assert.ThrowsAsync<StoreStartException>(() => TestStore.StartAsync(
            configure: options => options with { ListenClientUrls = ["http://203.0.113.1:12379"] }));

        Assert.StartsWith("cannot listen on 203.0.113.1:12379: ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public async Task Several_client_urls_serve_one_store()
    {
        await using TestStore store = await TestStore.StartAsync(
            configure: options => options with { ListenClientUrls = ["http://127.0.0.1:0", "http://localhost:0"] });
        using var second = new GrpcChannel(store.Server.ClientUrls[1]);
        await store.PutAsync("a", "1");

        RangeResponse read = await second.UnaryAsync(
            "/etcdserverpb.KV/Range", new RangeRequest { Key = Bytes("a") }, RangeResponse.Parser, null, TimeSpan.FromSeconds(10), CancellationToken.None);

        Assert.Equal("1", read.Kvs.Single().Value.ToStringUtf8());
    }

    [Fact]
    public async Task Stopping_with_open_streams_takes_no_longer_than_the_goodbye()
    {
        TestStore store = await TestStore.StartAsync();
        await using var watch = Watch.TestWatch.On(store.Channel);
        await watch.CreateAsync(new() { Key = Bytes("a") });

        await store.Server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));

        await store.DisposeAsync();
    }
}
