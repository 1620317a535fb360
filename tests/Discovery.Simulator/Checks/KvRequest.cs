using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Simulator.Checks;

/// <summary>What one action of a request does.</summary>
internal enum KvActionKind
{
    Get,
    Put,
    Delete,
}

/// <summary>One action; <paramref name="WantsPairs"/> says that its answer holds the pairs it found or replaced.</summary>
internal sealed record KvAction(KvActionKind Kind, KeyRange Range, ByteString Value, bool WantsPairs)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        string key = Range.Key.ToStringUtf8() + (Range.IsSingle ? "" : $"..{Range.End.ToStringUtf8()}");
        return Kind == KvActionKind.Put ? $"put {key}={Value.ToStringUtf8()}" : $"{Kind.ToString().ToLowerInvariant()} {key}";
    }
}

/// <summary>
/// A request as the model of the keyspace understands it: every one is a transaction, a plain one without a condition.
/// </summary>
/// <param name="Compares">The conditions; none always holds.</param>
/// <param name="Success">Done when all of them hold.</param>
/// <param name="Failure">Done otherwise.</param>
/// <param name="IsSerializable">A read of whatever the member has: it may be old.</param>
internal sealed record KvRequest(
    IReadOnlyList<Compare> Compares, IReadOnlyList<KvAction> Success, IReadOnlyList<KvAction> Failure, bool IsSerializable)
{
    /// <summary>Whether it can change anything.</summary>
    public bool IsWrite => Success.Concat(Failure).Any(static action => action.Kind != KvActionKind.Get);

    /// <summary>Takes etcd's request.</summary>
    /// <exception cref="ArgumentException">It asks for something that the model does not know; the driver must not.</exception>
    public static KvRequest From(IMessage request) => request switch
    {
        TxnRequest txn => new KvRequest(
            [.. txn.Compare.Select(Checked)], [.. txn.Success.Select(ActionOf)], [.. txn.Failure.Select(ActionOf)], IsSerializable: false),
        RangeRequest range => new KvRequest([], [ActionOf(range)], [], range.Serializable),
        _ => new KvRequest([], [ActionOf(request)], [], IsSerializable: false),
    };

    /// <inheritdoc/>
    public override string ToString()
    {
        string done = string.Join(", ", Success);
        return Compares.Count == 0 ? done
            : $"if {string.Join(" and ", Compares.Select(TextOf))} then {done}" + (Failure.Count > 0 ? $" else {string.Join(", ", Failure)}" : "");
    }

    private static KvAction ActionOf(RequestOp op) => op.RequestCase switch
    {
        // What it finds in the past says nothing about the present.
        RequestOp.RequestOneofCase.RequestRange when op.RequestRange is { Revision: > 0 } past =>
            new KvAction(KvActionKind.Get, new KeyRange(past.Key, past.RangeEnd), ByteString.Empty, WantsPairs: false),
        RequestOp.RequestOneofCase.RequestRange => ActionOf(op.RequestRange),
        RequestOp.RequestOneofCase.RequestPut => ActionOf(op.RequestPut),
        RequestOp.RequestOneofCase.RequestDeleteRange => ActionOf(op.RequestDeleteRange),
        _ => throw Unknown("a transaction inside a transaction"),
    };

    private static KvAction ActionOf(IMessage request) => request switch
    {
        RangeRequest { Revision: 0, Limit: 0, KeysOnly: false, CountOnly: false } range =>
            new KvAction(KvActionKind.Get, new KeyRange(range.Key, range.RangeEnd), ByteString.Empty, WantsPairs: true),
        PutRequest { IgnoreValue: false, IgnoreLease: false } put =>
            new KvAction(KvActionKind.Put, new KeyRange(put.Key, ByteString.Empty), put.Value, put.PrevKv),
        DeleteRangeRequest delete =>
            new KvAction(KvActionKind.Delete, new KeyRange(delete.Key, delete.RangeEnd), ByteString.Empty, delete.PrevKv),
        _ => throw Unknown(request.ToString() ?? ""),
    };

    private static Compare Checked(Compare compare) => compare.Target == Compare.Types.CompareTarget.Lease || compare.RangeEnd.Length > 0
        ? throw Unknown($"the comparison {compare}")
        : compare;

    private static string TextOf(Compare compare)
    {
        string wanted = compare.Target switch
        {
            Compare.Types.CompareTarget.Value => compare.Value.ToStringUtf8(),
            Compare.Types.CompareTarget.Version => $"{compare.Version}",
            Compare.Types.CompareTarget.Create => $"{compare.CreateRevision}",
            _ => $"{compare.ModRevision}",
        };
        return $"{compare.Target}({compare.Key.ToStringUtf8()}) {compare.Result} {wanted}".ToLowerInvariant();
    }

    private static ArgumentException Unknown(string what) =>
        new($"found {what}; the model knows reads of the newest revision, puts, deletions, and transactions of them on version, create, mod and value");
}
