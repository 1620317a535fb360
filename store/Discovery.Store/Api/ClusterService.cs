using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Google.Protobuf.Collections;
using Kind = Discovery.EtcdApi.Messages.MemberCommand.Types.Kind;

namespace Discovery.Store.Api;

/// <summary>
/// etcd's Cluster service: who is a member, and changes of that. Headers have no revision, as etcd's have none here. What
/// only the leader can judge, such as whether enough members are connected, it judges when it proposes.
/// </summary>
internal sealed class ClusterService(RaftHost raft, ResponseHeaders headers, TimeProvider time)
{
    public void MapTo(GrpcServer grpc, Admission admission)
    {
        admission.MapUnary(grpc, "/etcdserverpb.Cluster/MemberList", MemberListRequest.Parser, (request, call) => MemberListAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.Cluster/MemberAdd", MemberAddRequest.Parser, (request, call) => MemberAddAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.Cluster/MemberRemove", MemberRemoveRequest.Parser, (request, call) => MemberRemoveAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.Cluster/MemberUpdate", MemberUpdateRequest.Parser, (request, call) => MemberUpdateAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.Cluster/MemberPromote", MemberPromoteRequest.Parser, (request, call) => MemberPromoteAsync(request, call.Cancellation));
    }

    /// <summary>All members.</summary>
    public async ValueTask<MemberListResponse> MemberListAsync(MemberListRequest request, CancellationToken cancellation)
    {
        if (request.Linearizable)
        {
            await raft.CatchUpAsync(cancellation);
        }

        MemberTable members = raft.View.Members;
        var response = new MemberListResponse { Header = headers.At(0) };
        // A store from before members were in the log has none there, and is alone.
        response.Members.AddRange(members.Messages);
        return response;
    }

    /// <summary>Adds a member that is yet to be started. A voter's vote counts once it has caught up.</summary>
    public async ValueTask<MemberAddResponse> MemberAddAsync(MemberAddRequest request, CancellationToken cancellation)
    {
        string[] urls = Checked(request.PeerURLs);

        // Every voter must be connected, the leader knows: without one there is nothing to wait for (etcd: isConnectedFullySince).
        RaftHostCalls.ThrowIf(raft.Status.Leader == 0 ? EtcdError.Unhealthy : null);
        var added = new Member
        {
            ID = MemberIds.OfAdded(urls, time.GetUtcNow().ToUnixTimeSeconds(), raft.View.Members.IsTaken),
            PeerURLs = { urls },
            IsLearner = request.IsLearner,
        };
        var response = await raft.DecideAsync<MemberAddResponse>(
            CommandKind.Member, new MemberCommand { Kind = Kind.Add, Members = { added }, Pending = !request.IsLearner }, cancellation);
        headers.Complete(response.Header);
        return response;
    }

    /// <summary>Removes a member; its server ends, and its id is never used again.</summary>
    public async ValueTask<MemberRemoveResponse> MemberRemoveAsync(MemberRemoveRequest request, CancellationToken cancellation)
    {
        var response = await raft.DecideAsync<MemberRemoveResponse>(CommandKind.Member, Change(Kind.Remove, request.ID), cancellation);
        headers.Complete(response.Header);
        return response;
    }

    /// <summary>Changes where the others reach a member. etcd takes any text here, and ends when it is no URL; we refuse it.</summary>
    public async ValueTask<MemberUpdateResponse> MemberUpdateAsync(MemberUpdateRequest request, CancellationToken cancellation)
    {
        MemberCommand change = Change(Kind.Update, request.ID);
        change.Members[0].PeerURLs.AddRange(Checked(request.PeerURLs));
        var response = await raft.DecideAsync<MemberUpdateResponse>(CommandKind.Member, change, cancellation);
        headers.Complete(response.Header);
        return response;
    }

    /// <summary>Makes a learner that has caught up a voter.</summary>
    public async ValueTask<MemberPromoteResponse> MemberPromoteAsync(MemberPromoteRequest request, CancellationToken cancellation)
    {
        var response = await raft.DecideAsync<MemberPromoteResponse>(CommandKind.Member, Change(Kind.Promote, request.ID), cancellation);
        headers.Complete(response.Header);
        return response;
    }

    private static MemberCommand Change(Kind kind, ulong id) => new() { Kind = kind, Members = { new Member { ID = id } } };

    private static string[] Checked(RepeatedField<string> urls)
    {
        string[] trimmed = [.. urls.Select(static url => url.Trim()).Order(StringComparer.Ordinal)];
        bool areGood = trimmed.Length > 0 && trimmed.All(static url => PeerUrl.Problem(url) is null && !url.EndsWith('/'));
        return areGood ? trimmed : throw EtcdError.BadMemberUrls.ToException();
    }
}
