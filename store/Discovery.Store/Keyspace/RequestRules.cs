using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>What is wrong with a request whatever the keyspace holds (etcd: api/v3rpc/key.go).</summary>
public static class RequestRules
{
    /// <summary>Null when the command may be proposed by a server that takes so many operations in a transaction.</summary>
    public static EtcdError? Check(in Command command, int txnOpsMax) => command.Request switch
    {
        PutRequest put => Check(put),
        DeleteRangeRequest delete => Check(delete),
        TxnRequest txn => Check(txn, txnOpsMax) ?? TxnKeys.Check(txn),
        LeaseGrantRequest grant => grant.TTL > Limits.LeaseTtlMaxSeconds ? EtcdError.LeaseTtlTooLarge : null,
        _ => null,
    };

    /// <summary>Whether the command may make the keyspace larger: refused where there is no room.</summary>
    public static bool Grows(in Command command) => command.Request switch
    {
        PutRequest or LeaseGrantRequest => true,
        TxnRequest txn => Puts(txn),
        _ => false,
    };

    /// <summary>Null when the range may be read.</summary>
    public static EtcdError? Check(RangeRequest range) =>
        range.Key.IsEmpty ? EtcdError.EmptyKey
        : !Enum.IsDefined(range.SortOrder) || !Enum.IsDefined(range.SortTarget) ? EtcdError.InvalidSortOption
        : null;

    private static bool Puts(TxnRequest txn) =>
        txn.Success.Concat(txn.Failure).Any(static op => op.RequestPut is not null || (op.RequestTxn is { } nested && Puts(nested)));

    private static EtcdError? Check(PutRequest put) =>
        put.Key.IsEmpty ? EtcdError.EmptyKey
        : put.IgnoreValue && !put.Value.IsEmpty ? EtcdError.ValueProvided
        : put.IgnoreLease && put.Lease != 0 ? EtcdError.LeaseProvided
        : null;

    private static EtcdError? Check(DeleteRangeRequest delete) => delete.Key.IsEmpty ? EtcdError.EmptyKey : null;

    private static EtcdError? Check(TxnRequest txn, int opsMax)
    {
        int ops = Math.Max(txn.Compare.Count, Math.Max(txn.Success.Count, txn.Failure.Count));
        if (ops > opsMax)
        {
            return EtcdError.TooManyOps;
        }

        foreach (Compare compare in txn.Compare)
        {
            if (compare.Key.IsEmpty)
            {
                return EtcdError.EmptyKey;
            }
        }

        // What is nested shares the limit with what it is nested in, so recursion is bounded by it too.
        return Check(txn.Success, opsMax - ops) ?? Check(txn.Failure, opsMax - ops);
    }

    private static EtcdError? Check(IReadOnlyList<RequestOp> ops, int opsMax)
    {
        foreach (RequestOp op in ops)
        {
            EtcdError? error = op.RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestRange => Check(op.RequestRange),
                RequestOp.RequestOneofCase.RequestPut => Check(op.RequestPut),
                RequestOp.RequestOneofCase.RequestDeleteRange => Check(op.RequestDeleteRange),
                RequestOp.RequestOneofCase.RequestTxn => Check(op.RequestTxn, opsMax),
                _ => EtcdError.KeyNotFound,
            };
            if (error is not null)
            {
                return error;
            }
        }

        return null;
    }
}

/// <summary>
/// Refuses a transaction that puts a key twice, or puts a key that it also deletes at the same level or above. Both
/// branches of a nested transaction may put one key, since only one of them runs (etcd: checkIntervals).
/// </summary>
internal sealed class TxnKeys
{
    private readonly HashSet<ByteString> _puts = [];
    private readonly List<KeyRange> _deletes = [];

    public static EtcdError? Check(TxnRequest txn) =>
        new TxnKeys().Collect(txn.Success) && new TxnKeys().Collect(txn.Failure) ? null : EtcdError.DuplicateKey;

    private bool Collect(IReadOnlyList<RequestOp> ops)
    {
        foreach (RequestOp op in ops)
        {
            if (op.RequestDeleteRange is { } delete)
            {
                _deletes.Add(new KeyRange(delete.Key, delete.RangeEnd));
            }
        }

        foreach (RequestOp op in ops)
        {
            if (op.RequestTxn is { } nested && !CollectNested(nested))
            {
                return false;
            }
        }

        foreach (RequestOp op in ops)
        {
            if (op.RequestPut is { } put && (IsDeleted(put.Key) || !_puts.Add(put.Key)))
            {
                return false;
            }
        }

        return true;
    }

    private bool CollectNested(TxnRequest nested)
    {
        var success = new TxnKeys();
        var failure = new TxnKeys();
        if (!success.Collect(nested.Success) || !failure.Collect(nested.Failure))
        {
            return false;
        }

        foreach (ByteString key in success._puts)
        {
            if (IsDeleted(key) || !_puts.Add(key))
            {
                return false;
            }
        }

        foreach (ByteString key in failure._puts)
        {
            if (IsDeleted(key) || (!_puts.Add(key) && !success._puts.Contains(key)))
            {
                return false;
            }
        }

        _deletes.AddRange(success._deletes);
        _deletes.AddRange(failure._deletes);
        return true;
    }

    private bool IsDeleted(ByteString key)
    {
        foreach (KeyRange range in _deletes)
        {
            // etcd compares with the end byte by byte here, so "every key from" a start is no deleted range to it.
            if (!range.IsFromKey && range.Contains(key))
            {
                return true;
            }
        }

        return false;
    }
}
