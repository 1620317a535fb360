using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>Applies commands as a log would, and reads as a client would.</summary>
internal sealed class KeyspaceDriver
{
    private ulong _index;

    public KeyspaceState State { get; set; } = new();

    public KeyspaceView View => State.Publish();

    public static ByteString Bytes(string text) => ByteString.CopyFrom([.. text.Select(c => (byte)c)]);

    public CommandResult Apply(CommandKind kind, IMessage request) => State.Apply(++_index, new Command(kind, request));

    public PutResponse Put(string key, string value, long lease = 0, bool prevKv = false) =>
        Ok<PutResponse>(CommandKind.Put, new PutRequest { Key = Bytes(key), Value = Bytes(value), Lease = lease, PrevKv = prevKv });

    public DeleteRangeResponse Delete(string key, string end = "", bool prevKv = false) =>
        Ok<DeleteRangeResponse>(
            CommandKind.DeleteRange, new DeleteRangeRequest { Key = Bytes(key), RangeEnd = Bytes(end), PrevKv = prevKv });

    public TxnResponse Txn(TxnRequest txn) => Ok<TxnResponse>(CommandKind.Txn, txn);

    public LeaseGrantResponse Grant(long id, long ttl = 60) =>
        Ok<LeaseGrantResponse>(CommandKind.LeaseGrant, new LeaseGrantRequest { ID = id, TTL = ttl });

    public LeaseRevokeResponse Revoke(long id) =>
        Ok<LeaseRevokeResponse>(CommandKind.LeaseRevoke, new LeaseRevokeRequest { ID = id });

    public CompactionResponse Compact(long revision) =>
        Ok<CompactionResponse>(CommandKind.Compact, new CompactionRequest { Revision = revision });

    public EtcdError? Refused(CommandKind kind, IMessage request)
    {
        CommandResult result = Apply(kind, request);
        Assert.True(result.Response is null != result.Error is null);
        return result.Error;
    }

    public RangeResponse Range(string key, string end = "", Action<RangeRequest>? with = null)
    {
        var request = new RangeRequest { Key = Bytes(key), RangeEnd = Bytes(end) };
        with?.Invoke(request);
        return View.Range(request);
    }

    public KeyValue? Get(string key, long revision = 0) =>
        Range(key, with: request => request.Revision = revision).Kvs.SingleOrDefault();

    public static RequestOp PutOp(string key, string value, long lease = 0) =>
        new() { RequestPut = new PutRequest { Key = Bytes(key), Value = Bytes(value), Lease = lease } };

    public static RequestOp RangeOp(string key, string end = "", long revision = 0) =>
        new() { RequestRange = new RangeRequest { Key = Bytes(key), RangeEnd = Bytes(end), Revision = revision } };

    public static RequestOp DeleteOp(string key, string end = "") =>
        new() { RequestDeleteRange = new DeleteRangeRequest { Key = Bytes(key), RangeEnd = Bytes(end) } };

    public static string Keys(RangeResponse response) => string.Join(' ', response.Kvs.Select(kv => kv.Key.ToStringUtf8()));

    public T Ok<T>(CommandKind kind, IMessage request)
    {
        CommandResult result = Apply(kind, request);
        Assert.Null(result.Error);
        return Assert.IsType<T>(result.Response);
    }
}
