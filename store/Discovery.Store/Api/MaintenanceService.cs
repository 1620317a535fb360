using System.Diagnostics.CodeAnalysis;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Api;

/// <summary>
/// etcd's Maintenance service as far as there is something to maintain: the store does not fragment, and its one alarm, of a
/// full disk, clears itself.
/// </summary>
[SuppressMessage("Style", "IDE0060", Justification = "Some requests are empty; every method of the service has one.")]
internal sealed class MaintenanceService(RaftHost raft, ResponseHeaders headers, StoreOptions options)
{
    /// <summary>The etcd whose behaviour this store has. Clients switch features on by it.</summary>
    public const string CompatibleVersion = "3.5.21";

    public void MapTo(GrpcServer grpc, Admission admission)
    {
        admission.MapUnary(grpc, "/etcdserverpb.Maintenance/Status", StatusRequest.Parser, (request, _) => new ValueTask<StatusResponse>(Status(request)));
        admission.MapUnary(grpc, "/etcdserverpb.Maintenance/Alarm", AlarmRequest.Parser, (request, _) => new ValueTask<AlarmResponse>(Alarm(request)));
        admission.MapUnary(grpc, "/etcdserverpb.Maintenance/Defragment", DefragmentRequest.Parser, static (request, _) => new ValueTask<DefragmentResponse>(Defragment(request)));
        admission.MapUnary(grpc, "/etcdserverpb.Maintenance/MoveLeader", MoveLeaderRequest.Parser, (request, call) => MoveLeaderAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.Maintenance/HashKV", HashKVRequest.Parser, (request, _) => new ValueTask<HashKVResponse>(HashKV(request)));
        admission.MapUnary(grpc, "/etcdserverpb.Maintenance/Hash", HashRequest.Parser, (request, _) => new ValueTask<HashResponse>(Hash(request)));
    }

    /// <summary>This member's own view of itself; answers without a leader too.</summary>
    public StatusResponse Status(StatusRequest request)
    {
        StoreStatus status = raft.Status;
        var response = new StatusResponse
        {
            Header = headers.Now(),
            Version = CompatibleVersion,
            DbSize = status.DataBytes,
            DbSizeInUse = raft.View.LiveBytes,
            DbSizeQuota = options.QuotaBackendBytes,
            Leader = status.Leader,
            RaftIndex = status.CommitIndex,
            RaftTerm = status.Term,
            RaftAppliedIndex = status.AppliedIndex,
            IsLearner = raft.IsLearner(),
        };
        if (status.Leader == 0)
        {
            response.Errors.Add(EtcdError.NoLeader.Text);
        }

        // As Go prints an alarm.
        response.Errors.AddRange(Alarms().Select(static alarm => $"memberID:{alarm.MemberID} alarm:NOSPACE "));
        return response;
    }

    /// <summary>Lists this member's alarms. Clearing one succeeds, as in etcd; a disk that is full stays so.</summary>
    public AlarmResponse Alarm(AlarmRequest request) => request.Action == AlarmRequest.Types.AlarmAction.Activate
        ? throw new GrpcException(GrpcStatusCode.Unimplemented, "alarms are raised by the store alone")
        : new() { Header = headers.Now(), Alarms = { Alarms() } };

    /// <summary>Hands the lead to another member. Only the leader can be asked.</summary>
    public async ValueTask<MoveLeaderResponse> MoveLeaderAsync(MoveLeaderRequest request, CancellationToken cancellation)
    {
        StoreStatus status = raft.Status;
        RaftHostCalls.ThrowIf(status.Leader == status.MemberId ? null : EtcdError.NotLeader);
        if (request.TargetID != status.MemberId)
        {
            RaftHostCalls.ThrowIf(MemberRules.CheckTransfer(raft.View.Members, request.TargetID));
            RaftHostCalls.ThrowIf(await raft.MoveLeaderAsync(request.TargetID, cancellation));
        }

        return new();
    }

    /// <summary>A sum over this member's keyspace up to a revision, 0 being the current one; to compare members with.</summary>
    public HashKVResponse HashKV(HashKVRequest request)
    {
        KeyspaceView view = raft.View;
        RaftHostCalls.ThrowIf(view.CheckRevision(request.Revision));
        long revision = request.Revision == 0 ? view.Revision : request.Revision;
        return new()
        {
            Header = headers.At(view.Revision),
            Hash = KeyspaceHash.Of(view, revision),
            CompactRevision = view.CompactedRevision,
            HashRevision = revision,
        };
    }

    /// <summary>The same of the current revision, as older clients ask for it.</summary>
    public HashResponse Hash(HashRequest request)
    {
        KeyspaceView view = raft.View;
        return new() { Header = headers.At(view.Revision), Hash = KeyspaceHash.Of(view, view.Revision) };
    }

    private AlarmMember[] Alarms() => raft.IsDiskFull ? [new AlarmMember { MemberID = raft.Status.MemberId, Alarm = AlarmType.Nospace }] : [];

    /// <summary>Nothing to do: the keyspace lives in memory and is rewritten whole by each snapshot.</summary>
    public static DefragmentResponse Defragment(DefragmentRequest request) => new();
}
