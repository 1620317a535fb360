using Discovery.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Catalog.Tests;

/// <summary>Against both engines that the catalog runs on, as processes.</summary>
public sealed class LeaseSessionTests
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);
    private static readonly ServiceInstance Web = new() { Id = "h1:web:80", Service = "web", Host = "h1", Address = "127.0.0.1", Port = 80 };

    private readonly CancellationToken _cancellation = CancellationToken.None;

    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task A_process_that_comes_back_takes_its_lease_over(StoreEngine engine)
    {
        await using RunningStore store = await RunningStore.StartAsync(engine);
        using StoreClient client = store.NewClient();
        LeaseSession before = NewSession(client);
        await Registrations(client, before).WriteAsync([Web], [], new HostRecord { Name = "h1" }, _cancellation);

        LeaseSession after = NewSession(client);
        long taken = await after.EnsureAsync(_cancellation);

        Assert.Equal(before.Id, taken);
        HostState state = await Registrations(client, after).ReadAsync(_cancellation);
        Assert.Equal((Web, taken), (Assert.Single(state.Instances).Value.Instance, state.Instances.Single().Value.Lease));
        Assert.Equal(("h1", taken), (state.Host!.Name, state.HostLease));
    }

    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task Revoking_removes_what_was_registered_and_a_lost_lease_is_told(StoreEngine engine)
    {
        await using RunningStore store = await RunningStore.StartAsync(engine);
        using StoreClient client = store.NewClient();
        LeaseSession session = NewSession(client);
        HostRegistrations registrations = Registrations(client, session);
        await registrations.WriteAsync([Web], [], new HostRecord { Name = "h1" }, _cancellation);
        LeaseSession other = NewSession(client);
        await other.EnsureAsync(_cancellation);

        await other.RevokeAsync(_cancellation);

        Assert.Empty((await registrations.ReadAsync(_cancellation)).Instances);
        Assert.False(await session.RenewAsync(_cancellation));
        Assert.Equal(0, session.Id);

        await registrations.WriteAsync([Web], [], null, _cancellation);
        Assert.True(await session.RenewAsync(_cancellation));
        Assert.Single((await registrations.ReadAsync(_cancellation)).Instances);
    }

    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task Registrations_end_with_the_renewals_and_not_before(StoreEngine engine)
    {
        await using RunningStore store = await RunningStore.StartAsync(engine);
        using StoreClient client = store.NewClient();
        LeaseSession session = NewSession(client);
        HostRegistrations registrations = Registrations(client, session);
        await registrations.WriteAsync([Web], [], null, _cancellation);
        long start = TimeProvider.System.GetTimestamp();
        using (var renewing = new CancellationTokenSource())
        {
            Task renewals = session.KeepAliveAsync(() => { }, renewing.Token);

            // Longer than the TTL: it lives on renewals alone.
            await Eventually.HoldsAsync(() => TimeProvider.System.GetElapsedTime(start) > Ttl + TimeSpan.FromSeconds(1));
            Assert.Single((await registrations.ReadAsync(_cancellation)).Instances);
            await renewing.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => renewals);
        }

        await Eventually.HoldsAsync(async () => (await registrations.ReadAsync(_cancellation)).Instances.IsEmpty);
    }

    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task A_host_with_many_instances_is_written_in_several_transactions(StoreEngine engine)
    {
        await using RunningStore store = await RunningStore.StartAsync(engine);
        using StoreClient client = store.NewClient();
        LeaseSession session = NewSession(client);
        HostRegistrations registrations = Registrations(client, session);
        ServiceInstance[] many = [.. Enumerable.Range(1, 350).Select(i => Web with { Id = $"h1:web-{i}:80" })];

        await registrations.WriteAsync(many, [], new HostRecord { Name = "h1" }, _cancellation);
        await registrations.WriteAsync([], many.Skip(10).Select(i => CatalogKeys.Instance("h1", "web", i.Id)), null, _cancellation);

        HostState state = await registrations.ReadAsync(_cancellation);
        Assert.Equal(10, state.Instances.Count);
        Assert.NotNull(state.Host);
    }

    private static LeaseSession NewSession(StoreClient client) =>
        new(client, CatalogKeys.Host("h1"), Ttl, TimeProvider.System, NullLogger<LeaseSession>.Instance);

    private static HostRegistrations Registrations(StoreClient client, LeaseSession session) => new(client, "h1", session);
}
