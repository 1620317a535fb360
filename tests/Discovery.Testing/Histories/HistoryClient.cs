using System.Diagnostics;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Testing.Histories;

/// <summary>One client of a load: it calls any member, one call after the other, repeats nothing, and records what it saw.</summary>
internal sealed class HistoryClient(int id, IReadOnlyList<GrpcChannel> members, LoadOptions options)
{
    private readonly Random _random = new(HashCode.Combine(options.Seed, id));
    private readonly List<Operation> _operations = [];
    private readonly Dictionary<string, string?> _lastSeen = [];
    private int _writes;

    /// <summary>What it did; complete once its run has ended.</summary>
    public IReadOnlyList<Operation> Operations => _operations;

    /// <summary>Its last operation, for messages.</summary>
    public Operation? Last { get; private set; }

    /// <summary>Called with every operation as it ends.</summary>
    public required Action<Operation> Ended { get; init; }

    /// <summary>Calls until told to stop; a call under way is waited for.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        for (int call = 0; !stop.IsCancellationRequested; call++)
        {
            Operation operation = await CallAsync(members[(id + call) % members.Count]);
            _operations.Add(operation);
            Last = operation;
            if (operation.Outcome == Outcome.Ok)
            {
                _lastSeen[operation.Key] = operation.HasChanged ? operation.Value : operation.Found;
            }

            Ended(operation);
            await Task.Delay(options.Pause, TimeProvider.System, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    private static string? FirstValue(RangeResponse answer) => answer.Kvs.Count == 0 ? null : answer.Kvs[0].Value.ToStringUtf8();

    private async Task<Operation> CallAsync(GrpcChannel member)
    {
        Operation asked = Next(member);
        try
        {
            Operation answered = asked.Kind switch
            {
                OperationKind.Get => await GetAsync(member, asked),
                OperationKind.Put => await PutAsync(member, asked),
                OperationKind.Delete => await DeleteAsync(member, asked),
                _ => await SwapAsync(member, asked),
            };
            return answered with { Returned = Stopwatch.GetTimestamp(), Outcome = Outcome.Ok };
        }
        catch (GrpcException e)
        {
            return asked with
            {
                Returned = Stopwatch.GetTimestamp(),
                Outcome = CallErrors.OutcomeOf(e),
                Error = $"{e.Code}: {e.Message}",
            };
        }
    }

    private Operation Next(GrpcChannel member)
    {
        OperationKind kind = _random.Next(100) switch
        {
            < 45 => OperationKind.Put,
            < 75 => OperationKind.Get,
            < 95 => OperationKind.CompareAndSwap,
            _ => OperationKind.Delete,
        };
        string key = $"{options.Prefix}{_random.Next(options.Keys)}";
        return new()
        {
            Client = id,
            Kind = kind,
            Key = key,
            Expected = kind == OperationKind.CompareAndSwap ? _lastSeen.GetValueOrDefault(key) : null,
            Value = kind is OperationKind.Put or OperationKind.CompareAndSwap ? $"{id}-{_writes++}.".PadRight(options.ValueBytes, 'v') : null,
            Member = member.Address.Authority,
            Called = Stopwatch.GetTimestamp(),
        };
    }

    private async Task<Operation> GetAsync(GrpcChannel member, Operation asked)
    {
        RangeResponse answer = await CallAsync(member, "Range", new RangeRequest { Key = Bytes(asked.Key) }, RangeResponse.Parser);
        return asked with { Revision = answer.Header.Revision, Found = FirstValue(answer) };
    }

    private async Task<Operation> PutAsync(GrpcChannel member, Operation asked)
    {
        PutResponse answer = await CallAsync(member, "Put", new PutRequest { Key = Bytes(asked.Key), Value = Bytes(asked.Value!) }, PutResponse.Parser);
        return asked with { Revision = answer.Header.Revision, HasChanged = true };
    }

    private async Task<Operation> DeleteAsync(GrpcChannel member, Operation asked)
    {
        DeleteRangeResponse answer = await CallAsync(
            member, "DeleteRange", new DeleteRangeRequest { Key = Bytes(asked.Key) }, DeleteRangeResponse.Parser);
        return asked with { Revision = answer.Header.Revision, HasChanged = answer.Deleted > 0 };
    }

    private async Task<Operation> SwapAsync(GrpcChannel member, Operation asked)
    {
        var compare = new Compare { Key = Bytes(asked.Key), Result = Compare.Types.CompareResult.Equal };
        if (asked.Expected is null)
        {
            compare.Target = Compare.Types.CompareTarget.Create;
            compare.CreateRevision = 0;
        }
        else
        {
            compare.Target = Compare.Types.CompareTarget.Value;
            compare.Value = Bytes(asked.Expected);
        }

        var txn = new TxnRequest
        {
            Compare = { compare },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = Bytes(asked.Key), Value = Bytes(asked.Value!) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = Bytes(asked.Key) } } },
        };
        TxnResponse answer = await CallAsync(member, "Txn", txn, TxnResponse.Parser);
        return asked with
        {
            Revision = answer.Header.Revision,
            HasChanged = answer.Succeeded,
            Found = answer.Succeeded ? null : FirstValue(answer.Responses[0].ResponseRange),
        };
    }

    private Task<TResponse> CallAsync<TResponse>(GrpcChannel member, string method, IMessage request, MessageParser<TResponse> parser)
        where TResponse : class, IMessage<TResponse>
    {
        TimeSpan timeout = options.TimeoutMin + ((options.TimeoutMax - options.TimeoutMin) * _random.NextDouble());
        return member.UnaryAsync($"/etcdserverpb.KV/{method}", request, parser, token: null, timeout, CancellationToken.None);
    }
}
