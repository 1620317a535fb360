using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using Google.Protobuf;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>A history written by hand, event by event; every event takes a millisecond.</summary>
internal sealed class ScriptedHistory
{
    private int _milliseconds;

    public History History { get; } = new();

    public Violation? Verdict => LinearizabilityCheck.Check(History);

    private TimeSpan Now => TimeSpan.FromMilliseconds(++_milliseconds);

    public static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    public static KeyValue Pair(string key, string value, long modified, long version = 1, long? created = null) => new()
    {
        Key = Bytes(key),
        Value = Bytes(value),
        ModRevision = modified,
        Version = version,
        CreateRevision = created ?? modified - version + 1,
    };

    public static Compare ModIs(string key, long revision) => new()
    {
        Key = Bytes(key),
        Target = Compare.Types.CompareTarget.Mod,
        ModRevision = revision,
    };

    public static RequestOp PutOp(string key, string value) => new() { RequestPut = Put(key, value) };

    public static RequestOp GetOp(string key) => new() { RequestRange = Get(key) };

    public static PutRequest Put(string key, string value) => new() { Key = Bytes(key), Value = Bytes(value) };

    public static RangeRequest Get(string key, string end = "") => new() { Key = Bytes(key), RangeEnd = Bytes(end) };

    public static DeleteRangeRequest Delete(string key, string end = "") => new() { Key = Bytes(key), RangeEnd = Bytes(end) };

    public static TxnRequest Cas(string key, long modified, string value)
    {
        var txn = new TxnRequest { Compare = { ModIs(key, modified) }, Success = { PutOp(key, value) }, Failure = { GetOp(key) } };
        return txn;
    }

    public static PutResponse PutAt(long revision) => new() { Header = At(revision) };

    public static DeleteRangeResponse DeletedAt(long revision, long count = 1) => new() { Header = At(revision), Deleted = count };

    public static RangeResponse Found(long revision, params KeyValue[] pairs) =>
        new() { Header = At(revision), Kvs = { pairs }, Count = pairs.Length };

    public static TxnResponse Txn(long revision, bool succeeded, params IMessage[] responses)
    {
        var txn = new TxnResponse { Header = At(revision), Succeeded = succeeded };
        foreach (IMessage response in responses)
        {
            txn.Responses.Add(response switch
            {
                PutResponse put => new ResponseOp { ResponsePut = put },
                RangeResponse range => new ResponseOp { ResponseRange = range },
                _ => new ResponseOp { ResponseDeleteRange = (DeleteRangeResponse)response },
            });
        }

        return txn;
    }

    /// <summary>A request without anything beside it.</summary>
    public ScriptedHistory Did(IMessage request, IMessage response)
    {
        Returned(Called(request), response);
        return this;
    }

    /// <summary>A request that was given up.</summary>
    public ScriptedHistory GaveUp(IMessage request)
    {
        History.Unknown(Called(request), Now);
        return this;
    }

    public Operation Called(IMessage request, int client = 0) => History.Call(client, request, Now);

    public void Returned(Operation operation, IMessage response) => History.Return(operation, response, Now);

    private static ResponseHeader At(long revision) => new() { Revision = revision };
}
