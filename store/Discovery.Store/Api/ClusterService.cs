using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;

namespace Discovery.Store.Api;

/// <summary>etcd's Cluster service: who is a member.</summary>
internal sealed class ClusterService(RaftHost raft, ResponseHeaders headers)
{
    public void MapTo(GrpcServer grpc) =>
        grpc.MapUnary("/etcdserverpb.Cluster/MemberList", MemberListRequest.Parser, (request, call) => MemberListAsync(request, call.Cancellation));

    /// <summary>All members. The header has no revision, as etcd's has none here.</summary>
    public async ValueTask<MemberListResponse> MemberListAsync(MemberListRequest request, CancellationToken cancellation)
    {
        if (request.Linearizable)
        {
            await raft.CatchUpAsync(cancellation);
        }

        var response = new MemberListResponse { Header = headers.At(0) };
        response.Members.AddRange(raft.Members);
        return response;
    }
}
