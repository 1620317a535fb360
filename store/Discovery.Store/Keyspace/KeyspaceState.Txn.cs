using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Keyspace;

public sealed partial class KeyspaceState
{
    /// <summary>
    /// First which branches are taken, nested ones included, all judged on the state before; then whether every put and
    /// range of those branches can be done; only then the work (etcd: etcdserver/txn/txn.go).
    /// </summary>
    private CommandResult ApplyTxn(TxnRequest txn)
    {
        var branches = new Queue<bool>();
        ChooseBranches(txn, branches);
        EtcdError? error = CheckPuts(txn, new Queue<bool>(branches)) ?? CheckRanges(txn, new Queue<bool>(branches));
        if (error is not null)
        {
            return CommandResult.Failed(error);
        }

        TxnResponse response = Run(txn, branches);
        response.Header = HeaderAt(ReadRevision);
        return CommandResult.Applied(response);
    }

    private void ChooseBranches(TxnRequest txn, Queue<bool> branches)
    {
        bool succeeded = true;
        foreach (Compare compare in txn.Compare)
        {
            succeeded = succeeded && Holds(compare);
        }

        branches.Enqueue(succeeded);
        foreach (RequestOp op in Branch(txn, succeeded))
        {
            if (op.RequestTxn is { } nested)
            {
                ChooseBranches(nested, branches);
            }
        }
    }

    private EtcdError? CheckPuts(TxnRequest txn, Queue<bool> branches)
    {
        foreach (RequestOp op in Branch(txn, branches.Dequeue()))
        {
            EtcdError? error = op.RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestPut => CheckExisting(op.RequestPut) ?? CheckLease(op.RequestPut),
                RequestOp.RequestOneofCase.RequestTxn => CheckPuts(op.RequestTxn, branches),
                _ => null,
            };
            if (error is not null)
            {
                return error;
            }
        }

        return null;
    }

    private EtcdError? CheckRanges(TxnRequest txn, Queue<bool> branches)
    {
        foreach (RequestOp op in Branch(txn, branches.Dequeue()))
        {
            EtcdError? error = op.RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestRange => CheckRevision(op.RequestRange.Revision),
                RequestOp.RequestOneofCase.RequestTxn => CheckRanges(op.RequestTxn, branches),
                _ => null,
            };
            if (error is not null)
            {
                return error;
            }
        }

        return null;
    }

    private EtcdError? CheckRevision(long revision) =>
        revision > Revision ? EtcdError.FutureRevision
#if MUTANTS
        : StoreMutant.TxnReadsCompacted.IsPlanted() && revision >= _trimmed ? null
#endif
        : revision > 0 && revision < CompactedRevision ? EtcdError.Compacted
        : null;

    private TxnResponse Run(TxnRequest txn, Queue<bool> branches)
    {
        bool succeeded = branches.Dequeue();
        // etcd gives a nested answer an empty header; clients read the outer one.
        var response = new TxnResponse { Succeeded = succeeded, Header = new ResponseHeader() };
        foreach (RequestOp op in Branch(txn, succeeded))
        {
            response.Responses.Add(op.RequestCase switch
            {
                RequestOp.RequestOneofCase.RequestPut => new ResponseOp { ResponsePut = Put(op.RequestPut) },
                RequestOp.RequestOneofCase.RequestDeleteRange =>
                    new ResponseOp { ResponseDeleteRange = Delete(op.RequestDeleteRange) },
                RequestOp.RequestOneofCase.RequestTxn => new ResponseOp { ResponseTxn = Run(op.RequestTxn, branches) },
                _ => new ResponseOp { ResponseRange = RangeReader.Read(_tree.Current, op.RequestRange, ReadRevision) },
            });
        }

        return response;
    }

    private static Google.Protobuf.Collections.RepeatedField<RequestOp> Branch(TxnRequest txn, bool succeeded) =>
        succeeded ? txn.Success : txn.Failure;

    /// <summary>Every key of the range must pass; a range without keys passes or fails as a missing key does.</summary>
    private bool Holds(Compare compare)
    {
        var range = new KeyRange(compare.Key, compare.RangeEnd);
        List<KeyHistory> live = LiveIn(range);
        if (live.Count == 0)
        {
            // A missing key has no value to compare with: even "not equal" fails. Its numbers are all 0.
            return compare.Target != Compare.Types.CompareTarget.Value && Holds(compare, Missing);
        }

        foreach (KeyHistory history in live)
        {
            if (!Holds(compare, history.Latest))
            {
                return false;
            }
        }

        return true;
    }

    private static readonly KeyValue Missing = new();

    private static bool Holds(Compare compare, KeyValue kv)
    {
        // A number that was not given is 0, as in etcd: the generated getters say so.
        int order = compare.Target switch
        {
            Compare.Types.CompareTarget.Value => KeyRange.Compare(kv.Value, compare.Value),
            Compare.Types.CompareTarget.Create => kv.CreateRevision.CompareTo(compare.CreateRevision),
            Compare.Types.CompareTarget.Mod => kv.ModRevision.CompareTo(compare.ModRevision),
            Compare.Types.CompareTarget.Version => kv.Version.CompareTo(compare.Version),
            Compare.Types.CompareTarget.Lease => kv.Lease.CompareTo(compare.Lease),
            _ => 0,
        };
        return compare.Result switch
        {
            Compare.Types.CompareResult.Equal => order == 0,
            Compare.Types.CompareResult.NotEqual => order != 0,
            Compare.Types.CompareResult.Greater => order > 0,
            Compare.Types.CompareResult.Less => order < 0,
            _ => true,
        };
    }
}
