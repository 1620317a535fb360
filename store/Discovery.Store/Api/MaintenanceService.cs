using System.Diagnostics.CodeAnalysis;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;

namespace Discovery.Store.Api;

/// <summary>
/// etcd's Maintenance service as far as there is something to maintain: the store does not fragment, and raises no
/// alarms that an operator would have to clear.
/// </summary>
[SuppressMessage("Style", "IDE0060", Justification = "Some requests are empty; every method of the service has one.")]
internal sealed class MaintenanceService(RaftHost raft, ResponseHeaders headers, StoreOptions options)
{
    /// <summary>The etcd whose behaviour this store has. Clients switch features on by it.</summary>
    public const string CompatibleVersion = "3.5.21";

    public void MapTo(GrpcServer grpc)
    {
        grpc.MapUnary("/etcdserverpb.Maintenance/Status", StatusRequest.Parser, (request, _) => new ValueTask<StatusResponse>(Status(request)));
        grpc.MapUnary("/etcdserverpb.Maintenance/Alarm", AlarmRequest.Parser, (request, _) => new ValueTask<AlarmResponse>(Alarm(request)));
        grpc.MapUnary("/etcdserverpb.Maintenance/Defragment", DefragmentRequest.Parser, static (request, _) => new ValueTask<DefragmentResponse>(Defragment(request)));
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
        };
        if (status.Leader == 0)
        {
            response.Errors.Add(EtcdError.NoLeader.Text);
        }

        return response;
    }

    /// <summary>Lists alarms: none. Clearing one that is not raised succeeds, as in etcd.</summary>
    public AlarmResponse Alarm(AlarmRequest request) => request.Action == AlarmRequest.Types.AlarmAction.Activate
        ? throw new GrpcException(GrpcStatusCode.Unimplemented, "alarms are raised by the store alone")
        : new() { Header = headers.Now() };

    /// <summary>Nothing to do: the keyspace lives in memory and is rewritten whole by each snapshot.</summary>
    public static DefragmentResponse Defragment(DefragmentRequest request) => new();
}
