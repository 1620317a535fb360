using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Api;

/// <summary>etcd's KV service: has a request decided or read, and answers. Keeps no state; the host checks what it is given.</summary>
internal sealed class KvService(RaftHost raft, ResponseHeaders headers)
{
    public void MapTo(GrpcServer grpc, Admission admission)
    {
        admission.MapUnary(grpc, "/etcdserverpb.KV/Range", RangeRequest.Parser, (request, call) => RangeAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.KV/Put", PutRequest.Parser, (request, call) => PutAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.KV/DeleteRange", DeleteRangeRequest.Parser, (request, call) => DeleteRangeAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.KV/Txn", TxnRequest.Parser, (request, call) => TxnAsync(request, call.Cancellation));
        admission.MapUnary(grpc, "/etcdserverpb.KV/Compact", CompactionRequest.Parser, (request, call) => CompactAsync(request, call.Cancellation));
    }

    /// <summary>Reads at any kept revision; linearizable unless asked otherwise.</summary>
    public async ValueTask<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation)
    {
        RaftHostCalls.ThrowIf(RequestRules.Check(request));
        if (!request.Serializable)
        {
            await raft.CatchUpAsync(cancellation);
        }

        RangeResponse response = raft.View.Range(request);
        headers.Complete(response.Header);
        return response;
    }

    public async ValueTask<PutResponse> PutAsync(PutRequest request, CancellationToken cancellation)
    {
        var response = await raft.DecideAsync<PutResponse>(CommandKind.Put, request, cancellation);
        headers.Complete(response.Header);
        return response;
    }

    public async ValueTask<DeleteRangeResponse> DeleteRangeAsync(DeleteRangeRequest request, CancellationToken cancellation)
    {
        var response = await raft.DecideAsync<DeleteRangeResponse>(CommandKind.DeleteRange, request, cancellation);
        headers.Complete(response.Header);
        return response;
    }

    /// <summary>
    /// Decides a transaction. One that only reads goes through the log too: its compares and ranges then see one state.
    /// </summary>
    public async ValueTask<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation)
    {
        var response = await raft.DecideAsync<TxnResponse>(CommandKind.Txn, request, cancellation);
        headers.Complete(response.Header);
        return response;
    }

    public async ValueTask<CompactionResponse> CompactAsync(CompactionRequest request, CancellationToken cancellation)
    {
        var response = await raft.DecideAsync<CompactionResponse>(CommandKind.Compact, request, cancellation);
        headers.Complete(response.Header);
        return response;
    }
}
