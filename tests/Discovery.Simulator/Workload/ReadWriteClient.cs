using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Time;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Simulator.Workload;

/// <summary>A client that reads and writes, one call after the other, at whichever member it comes across.</summary>
internal sealed class ReadWriteClient(
    Simulation simulation, ClientAccess access, Func<IReadOnlyList<SimulatedMember>> members, WorkloadPlan plan, int id)
{
    private readonly Chance _chance = simulation.ChanceOf($"client {id}");
    private readonly Dictionary<ByteString, long> _seen = [];
    private readonly List<CallKind> _kinds = [.. plan.Weights.SelectMany(static pair => Enumerable.Repeat(pair.Key, pair.Value))];
    private long _lastRevision = 1;
    private int _written;

    /// <summary>Calls until the token says that it is enough.</summary>
    public async Task RunAsync(CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            await simulation.WaitAsync(_chance.Around(plan.Pause));
            if (!enough.IsCancellationRequested)
            {
                ClientCall call = await CallAsync(_chance.Pick(_kinds));
                Note(call);
                if (call.Outcome == Outcome.Failed && call.Error == EtcdError.Stopped)
                {
                    // Nobody was there: a client does not knock at once again.
                    await simulation.WaitAsync(_chance.Between(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(500)));
                }
            }
        }
    }

    private Task<ClientCall> CallAsync(CallKind kind)
    {
        int group = _chance.Below(plan.Groups) * Keys.GroupSize;
        ByteString key = Keys.At(group + _chance.Below(Keys.GroupSize));
        return kind switch
        {
            CallKind.Put => DecideAsync(CommandKind.Put, Put(key)),
            CallKind.Delete => DecideAsync(CommandKind.DeleteRange, new DeleteRangeRequest { Key = key, PrevKv = _chance.Happens(0.5) }),
            CallKind.DeleteRange => DecideAsync(
                CommandKind.DeleteRange, new DeleteRangeRequest { Key = key, RangeEnd = Keys.At(group + 2), PrevKv = true }),
            CallKind.CompareAndSwap => DecideAsync(CommandKind.Txn, Swap(key)),
            CallKind.Txn => DecideAsync(CommandKind.Txn, SeveralKeys(group)),
            CallKind.Range => ReadAsync(new RangeRequest { Key = Keys.At(group), RangeEnd = Keys.At(group + Keys.GroupSize) }),
            CallKind.SerializableGet => ReadAsync(new RangeRequest { Key = key, Serializable = true }),
            CallKind.OldGet => ReadAsync(new RangeRequest { Key = key, Revision = OldRevision() }),
            CallKind.Compact when _chance.Happens(plan.Compactions) => DecideAsync(
                CommandKind.Compact, new CompactionRequest { Revision = _chance.Happens(0.5) ? _lastRevision : OldRevision() }),
            _ => ReadAsync(new RangeRequest { Key = key }),
        };
    }

    private Task<ClientCall> DecideAsync(CommandKind kind, IMessage request) =>
        access.CallAsync(id, _chance.Pick(members()), request, server => server.DecideAsync(kind, request), plan.Timeout);

    private Task<ClientCall> ReadAsync(RangeRequest request) =>
        access.CallAsync(id, _chance.Pick(members()), request, server => server.RangeAsync(request), plan.Timeout);

    private PutRequest Put(ByteString key) => new() { Key = key, Value = NextValue(), PrevKv = _chance.Happens(0.3) };

    private TxnRequest Swap(ByteString key)
    {
        var compare = new Compare { Key = key, Target = Compare.Types.CompareTarget.Mod, ModRevision = _seen.GetValueOrDefault(key) };
        return new TxnRequest
        {
            Compare = { compare },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = key, Value = NextValue() } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key } } },
        };
    }

    private TxnRequest SeveralKeys(int group)
    {
        int first = group + _chance.Below(Keys.GroupSize);
        int second = group + ((first - group + 1 + _chance.Below(Keys.GroupSize - 1)) % Keys.GroupSize);
        var txn = new TxnRequest
        {
            Success =
            {
                new RequestOp { RequestRange = new RangeRequest { Key = Keys.At(first), Revision = _chance.Happens(0.3) ? OldRevision() : 0 } },
                new RequestOp { RequestPut = new PutRequest { Key = Keys.At(second), Value = NextValue() } },
            },
        };
        txn.Success.Add(_chance.Happens(0.5)
            ? new RequestOp { RequestPut = new PutRequest { Key = Keys.At(first), Value = NextValue() } }
            : new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Keys.At(first) } });
        return txn;
    }

    private long OldRevision() => Math.Max(1, _lastRevision - _chance.Below(40));

    /// <summary>No value is written twice: a read tells which write it saw.</summary>
    private ByteString NextValue() => ByteString.CopyFromUtf8($"{id}.{++_written}");

    private void Note(ClientCall call)
    {
        switch (call.Response)
        {
            case RangeResponse range:
                Reached(range.Header);
                foreach (KeyValue kv in range.Kvs)
                {
                    _seen[kv.Key] = kv.ModRevision;
                }

                break;
            case PutResponse put:
                Reached(put.Header);
                _seen[((PutRequest)call.Request).Key] = put.Header.Revision;
                break;
            case DeleteRangeResponse delete:
                Reached(delete.Header);
                _ = _seen.Remove(((DeleteRangeRequest)call.Request).Key);
                break;
            case TxnResponse { Succeeded: true } txn when call.Request is TxnRequest { Compare: [var compare] }:
                Reached(txn.Header);
                _seen[compare.Key] = txn.Header.Revision;
                break;
        }
    }

    private void Reached(ResponseHeader header) => _lastRevision = Math.Max(_lastRevision, header.Revision);
}
