using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace Discovery.Store.Api;

/// <summary>
/// What a key-value request must satisfy before it is worth a place in the log; pure. The order of the rules is
/// etcd's, so that a request with several faults gets the same error there and here.
/// </summary>
internal static class KvRequestRules
{
    /// <summary>The first rule that the request breaks; null when it breaks none.</summary>
    public static EtcdError? Check(RangeRequest request) =>
        request.Key.IsEmpty ? EtcdError.EmptyKey
        : !Enum.IsDefined(request.SortOrder) || !Enum.IsDefined(request.SortTarget) ? EtcdError.InvalidSortOption
        : null;

    /// <inheritdoc cref="Check(RangeRequest)"/>
    public static EtcdError? Check(PutRequest request) =>
        request.Key.IsEmpty ? EtcdError.EmptyKey
        : request.IgnoreValue && !request.Value.IsEmpty ? EtcdError.ValueProvided
        : request.IgnoreLease && request.Lease != 0 ? EtcdError.LeaseProvided
        : null;

    /// <inheritdoc cref="Check(RangeRequest)"/>
    public static EtcdError? Check(DeleteRangeRequest request) => request.Key.IsEmpty ? EtcdError.EmptyKey : null;

    /// <inheritdoc cref="Check(RangeRequest)"/>
    public static EtcdError? Check(TxnRequest request, int maxOps) =>
        CheckOps(request, maxOps)
        ?? Writes.Of(request.Success, out _)
        ?? Writes.Of(request.Failure, out _);

    private static EtcdError? CheckOps(TxnRequest request, int maxOps)
    {
        int ops = Math.Max(request.Compare.Count, Math.Max(request.Success.Count, request.Failure.Count));
        if (ops > maxOps)
        {
            return EtcdError.TooManyOps;
        }

        foreach (Compare compare in request.Compare)
        {
            if (compare.Key.IsEmpty)
            {
                return EtcdError.EmptyKey;
            }
        }

        // A nested transaction gets what this level leaves of the limit.
        return CheckBranch(request.Success, maxOps - ops) ?? CheckBranch(request.Failure, maxOps - ops);
    }

    private static EtcdError? CheckBranch(RepeatedField<RequestOp> branch, int opsLeft)
    {
        foreach (RequestOp op in branch)
        {
            EtcdError? error = op.RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestRange => Check(op.RequestRange),
                RequestOp.RequestOneofCase.RequestPut => Check(op.RequestPut),
                RequestOp.RequestOneofCase.RequestDeleteRange => Check(op.RequestDeleteRange),
                RequestOp.RequestOneofCase.RequestTxn => CheckOps(op.RequestTxn, opsLeft),
                _ => EtcdError.KeyNotFound,
            };
            if (error is not null)
            {
                return error;
            }
        }

        return null;
    }

    /// <summary>
    /// What one branch writes, nested branches included. A key may be put once, and not inside a range that the same
    /// level or a nested one before it deletes; the two branches of one nested transaction may put the same key, for
    /// only one of them runs.
    /// </summary>
    private sealed class Writes
    {
        private readonly HashSet<ByteString> _puts = [];
        private readonly List<KeyRange> _deletes = [];

        public static EtcdError? Of(RepeatedField<RequestOp> branch, out Writes writes)
        {
            writes = new();
            foreach (RequestOp op in branch)
            {
                if (op.RequestDeleteRange is { } delete)
                {
                    writes._deletes.Add(new(delete.Key, delete.RangeEnd));
                }
            }

            foreach (RequestOp op in branch)
            {
                if (op.RequestTxn is { } nested && writes.AddNested(nested) is { } error)
                {
                    return error;
                }
            }

            foreach (RequestOp op in branch)
            {
                if (op.RequestPut is { } put && (writes.Deletes(put.Key) || !writes._puts.Add(put.Key)))
                {
                    return EtcdError.DuplicateKey;
                }
            }

            return null;
        }

        private EtcdError? AddNested(TxnRequest nested)
        {
            if (Of(nested.Success, out Writes then) is { } inThen)
            {
                return inThen;
            }

            if (Of(nested.Failure, out Writes otherwise) is { } inElse)
            {
                return inElse;
            }

            foreach (ByteString key in then._puts)
            {
                if (Deletes(key) || !_puts.Add(key))
                {
                    return EtcdError.DuplicateKey;
                }
            }

            foreach (ByteString key in otherwise._puts)
            {
                if (Deletes(key) || (!_puts.Add(key) && !then._puts.Contains(key)))
                {
                    return EtcdError.DuplicateKey;
                }
            }

            _deletes.AddRange(then._deletes);
            _deletes.AddRange(otherwise._deletes);
            return null;
        }

        // etcd compares with the end byte by byte here, so "every key from" a start does not count as a deleted range.
        private bool Deletes(ByteString key)
        {
            foreach (KeyRange range in _deletes)
            {
                if (!range.IsFromKey && range.Contains(key))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
