using System.Diagnostics.CodeAnalysis;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Api;

/// <summary>etcd's Lease service. Grants and revocations are decided by the log, renewals by the leader's clock alone.</summary>
internal sealed class LeaseService(RaftHost raft, ResponseHeaders headers, StreamLifetime streams)
{
    public void MapTo(GrpcServer grpc, Admission admission)
    {
        admission.MapUnary(grpc, "/etcdserverpb.Lease/LeaseGrant", LeaseGrantRequest.Parser, (request, call) => GrantAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.Lease/LeaseRevoke", LeaseRevokeRequest.Parser, (request, call) => RevokeAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.Lease/LeaseTimeToLive", LeaseTimeToLiveRequest.Parser, (request, call) => TimeToLiveAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.Lease/LeaseLeases", LeaseLeasesRequest.Parser, (request, call) => LeasesAsync(request, call.Cancellation));
        admission.MapStreaming(grpc, "/etcdserverpb.Lease/LeaseKeepAlive", KeepAliveAsync);
    }

    /// <summary>Grants a lease; id 0 lets the server choose. The granted TTL may be above the one asked for.</summary>
    public async ValueTask<LeaseGrantResponse> GrantAsync(LeaseGrantRequest request, CancellationToken cancellation)
    {
        var response = await raft.DecideAsync<LeaseGrantResponse>(CommandKind.LeaseGrant, request, cancellation);
        headers.Complete(response.Header);
        return response;
    }

    /// <summary>Ends a lease and deletes its keys.</summary>
    public async ValueTask<LeaseRevokeResponse> RevokeAsync(LeaseRevokeRequest request, CancellationToken cancellation)
    {
        var response = await raft.DecideAsync<LeaseRevokeResponse>(CommandKind.LeaseRevoke, request, cancellation);
        headers.Complete(response.Header);
        return response;
    }

    /// <summary>Renews once. An unknown lease is no error: its TTL is 0. The header is the one before the renewal.</summary>
    public async ValueTask<LeaseKeepAliveResponse> RenewAsync(LeaseKeepAliveRequest request, CancellationToken cancellation)
    {
        ResponseHeader header = headers.Now();
        long ttl = await raft.KeepAliveAsync(request.ID, cancellation);
        return new() { Header = header, ID = request.ID, TTL = ttl };
    }

    /// <summary>What is left of a lease, in seconds; -1 when there is no such lease.</summary>
    public async ValueTask<LeaseTimeToLiveResponse> TimeToLiveAsync(LeaseTimeToLiveRequest request, CancellationToken cancellation)
    {
        await raft.CatchUpAsync(cancellation);
        KeyspaceView view = raft.View;
        var response = new LeaseTimeToLiveResponse { Header = headers.At(view.Revision), ID = request.ID, TTL = -1 };
        if (!view.TryGetLease(request.ID, out LeaseView? lease))
        {
            return response;
        }

        response.TTL = await raft.RemainingSecondsAsync(request.ID, cancellation);
        response.GrantedTTL = lease.GrantedTtl;
        if (request.Keys)
        {
            response.Keys.AddRange(lease.Keys);
        }

        return response;
    }

    /// <summary>The ids of all leases.</summary>
    [SuppressMessage("Style", "IDE0060", Justification = "The request is empty; every method of the service has one.")]
    public async ValueTask<LeaseLeasesResponse> LeasesAsync(LeaseLeasesRequest request, CancellationToken cancellation)
    {
        await raft.CatchUpAsync(cancellation);
        KeyspaceView view = raft.View;
        var response = new LeaseLeasesResponse { Header = headers.At(view.Revision) };
        response.Leases.AddRange(view.LeaseIds.Select(static id => new LeaseStatus { ID = id }));
        return response;
    }

    private async Task KeepAliveAsync(GrpcCall call, bool wantsLeader)
    {
        await call.StartAsync();
        await streams.RunAsync(wantsLeader, RenewAllAsync, call.Cancellation);

        async Task RenewAllAsync(CancellationToken cancellation)
        {
            while (await call.ReadAsync(LeaseKeepAliveRequest.Parser, cancellation) is { } request)
            {
                call.Write(await RenewAsync(request, cancellation));
                await call.FlushAsync(cancellation);
            }
        }
    }
}
