using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Simulator.Checks;

/// <summary>What one action answered.</summary>
/// <param name="Pairs">What a read found; what a write replaced, if it was asked to say so.</param>
/// <param name="Deleted">Keys that a deletion ended.</param>
internal sealed record KvResult(IReadOnlyList<KeyValue> Pairs, long Deleted);

/// <summary>What a request answered.</summary>
/// <param name="Revision">The header's: of the write, or the one that was read. 0: the face does not tell.</param>
/// <param name="Succeeded">Whether the conditions held.</param>
/// <param name="Results">One for each action of the branch that was taken.</param>
internal sealed record KvAnswer(long Revision, bool Succeeded, IReadOnlyList<KvResult> Results)
{
    /// <summary>Takes etcd's response.</summary>
    public static KvAnswer From(IMessage response) => response switch
    {
        TxnResponse txn => new KvAnswer(txn.Header.Revision, txn.Succeeded, [.. txn.Responses.Select(static one => ResultOf(one))]),
        RangeResponse range => new KvAnswer(range.Header.Revision, true, [ResultOf(range)]),
        PutResponse put => new KvAnswer(put.Header.Revision, true, [ResultOf(put)]),
        DeleteRangeResponse delete => new KvAnswer(delete.Header.Revision, true, [ResultOf(delete)]),
        _ => throw new ArgumentException($"found a {response.GetType().Name}; wanted the answer to a read, put, deletion or transaction"),
    };

    /// <inheritdoc/>
    public override string ToString() =>
        $"revision {Revision}{(Succeeded ? "" : ", not succeeded")}"
        + string.Concat(Results.Select(static result => (result.Deleted > 0 ? $", deleted {result.Deleted}" : "") + string.Concat(result.Pairs.Select(TextOf))));

    private static string TextOf(KeyValue kv) =>
        $", {kv.Key.ToStringUtf8()}={kv.Value.ToStringUtf8()} (mod {kv.ModRevision}, version {kv.Version}, created {kv.CreateRevision})";

    private static KvResult ResultOf(ResponseOp op) => op.ResponseCase switch
    {
        ResponseOp.ResponseOneofCase.ResponseRange => ResultOf(op.ResponseRange),
        ResponseOp.ResponseOneofCase.ResponsePut => ResultOf(op.ResponsePut),
        _ => ResultOf(op.ResponseDeleteRange),
    };

    private static KvResult ResultOf(RangeResponse range) => new([.. range.Kvs], 0);

    private static KvResult ResultOf(PutResponse put) => new(put.PrevKv is { } previous ? [previous] : [], 0);

    private static KvResult ResultOf(DeleteRangeResponse delete) => new([.. delete.PrevKvs], delete.Deleted);
}
