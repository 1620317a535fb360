using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Time;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Simulator.Workload;

/// <summary>
/// A client that takes a lease, hangs a key on it, renews it for a while, and then revokes it or lets it end: what a
/// sidecar does.
/// </summary>
internal sealed class LeaseHolder(
    Simulation simulation, ClientAccess access, Func<IReadOnlyList<SimulatedMember>> members, WorkloadPlan plan, int id)
{
    private readonly Chance _chance = simulation.ChanceOf($"holder {id}");
    private int _leases;

    public async Task RunAsync(CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            await simulation.WaitAsync(_chance.Around(TimeSpan.FromSeconds(1)));
            if (!enough.IsCancellationRequested)
            {
                await HoldOneAsync(enough);
            }
        }
    }

    private async Task HoldOneAsync(CancellationToken enough)
    {
        // Chosen here: who does not learn the answer still knows the lease.
        var grant = new LeaseGrantRequest { ID = (id * 100_000L) + ++_leases, TTL = _chance.Between(1, 8) };
        ClientCall granted = await DecideAsync(CommandKind.LeaseGrant, grant);
        if (granted.Response is not LeaseGrantResponse lease)
        {
            return;
        }

        var put = new PutRequest { Key = Keys.Leased(id), Lease = lease.ID, Value = ByteString.CopyFromUtf8($"{id}.{_leases}") };
        _ = await DecideAsync(CommandKind.Put, put);
        for (int left = _chance.Between(0, 4); left > 0 && !enough.IsCancellationRequested; left--)
        {
            // Most are in time; some come when the lease is about to end, or has.
            await simulation.WaitAsync(TimeSpan.FromSeconds(lease.TTL * (_chance.Happens(0.7) ? 1 / 3.0 : _chance.Between(0.9, 1.2))));
            var renew = new LeaseKeepAliveRequest { ID = lease.ID };
            ClientCall renewed = await access.CallAsync(id, Member(), renew, server => server.RenewAsync(renew), plan.Timeout);
            if (renewed.Response is LeaseKeepAliveResponse { TTL: 0 })
            {
                return;
            }
        }

        if (_chance.Happens(0.4))
        {
            _ = await DecideAsync(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = lease.ID });
            return;
        }

        // Left alone: it ends, and not before its time.
        var ask = new LeaseTimeToLiveRequest { ID = lease.ID, Keys = true };
        _ = await access.CallAsync(id, Member(), ask, server => server.TimeToLiveAsync(ask), plan.Timeout);
        await simulation.WaitAsync(TimeSpan.FromSeconds(lease.TTL * _chance.Between(0.5, 2)));
    }

    private SimulatedMember Member() => _chance.Pick(members());

    private Task<ClientCall> DecideAsync(CommandKind kind, IMessage request) =>
        access.CallAsync(id, Member(), request, server => server.DecideAsync(kind, request), plan.Timeout);
}
