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
            Operation answered = asked.Request switch
            {
                RangeRequest get => Answered(asked, await SendAsync(member, "Range", get, RangeResponse.Parser)),
                PutRequest put => Answered(asked, await SendAsync(member, "Put", put, PutResponse.Parser)),
                DeleteRangeRequest delete => Answered(asked, await SendAsync(member, "DeleteRange", delete, DeleteRangeResponse.Parser)),
                IMessage swap => Answered(asked, await SendAsync(member, "Txn", swap, TxnResponse.Parser)),
                null => throw new InvalidOperationException("every operation has a request"),
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
        string? expected = kind == OperationKind.CompareAndSwap ? _lastSeen.GetValueOrDefault(key) : null;
        string? value = kind is OperationKind.Put or OperationKind.CompareAndSwap ? $"{id}-{_writes++}.".PadRight(options.ValueBytes, 'v') : null;
        return new()
        {
            Client = id,
            Kind = kind,
            Key = key,
            Expected = expected,
            Value = value,
            Member = member.Address.Authority,
            Request = kind switch
            {
                OperationKind.Get => new RangeRequest { Key = Bytes(key) },
                OperationKind.Put => new PutRequest { Key = Bytes(key), Value = Bytes(value!) },
                OperationKind.Delete => new DeleteRangeRequest { Key = Bytes(key) },
                _ => Swap(key, expected, value!),
            },
            Called = Stopwatch.GetTimestamp(),
        };
    }

    private static TxnRequest Swap(string key, string? expected, string value) => new()
    {
        Compare =
        {
            expected is null
                ? new Compare { Key = Bytes(key), Target = Compare.Types.CompareTarget.Create, CreateRevision = 0 }
                : new Compare { Key = Bytes(key), Target = Compare.Types.CompareTarget.Value, Value = Bytes(expected) },
        },
        Success = { new RequestOp { RequestPut = new PutRequest { Key = Bytes(key), Value = Bytes(value) } } },
        Failure = { new RequestOp { RequestRange = new RangeRequest { Key = Bytes(key) } } },
    };

    private static Operation Answered(Operation asked, IMessage answer)
    {
        asked = asked with { Response = answer };
        return answer switch
        {
            RangeResponse got => asked with { Revision = got.Header.Revision, Found = FirstValue(got) },
            PutResponse put => asked with { Revision = put.Header.Revision, HasChanged = true },
            DeleteRangeResponse deleted => asked with { Revision = deleted.Header.Revision, HasChanged = deleted.Deleted > 0 },
            TxnResponse { Succeeded: true } swapped => asked with { Revision = swapped.Header.Revision, HasChanged = true },
            TxnResponse refused => asked with { Revision = refused.Header.Revision, Found = FirstValue(refused.Responses[0].ResponseRange) },
            _ => throw new InvalidOperationException($"found {answer}, wanted an answer of KV"),
        };
    }

    private Task<TResponse> SendAsync<TResponse>(GrpcChannel member, string method, IMessage request, MessageParser<TResponse> parser)
        where TResponse : class, IMessage<TResponse>
    {
        TimeSpan timeout = options.TimeoutMin + ((options.TimeoutMax - options.TimeoutMin) * _random.NextDouble());
        return member.UnaryAsync($"/etcdserverpb.KV/{method}", request, parser, token: null, timeout, CancellationToken.None);
    }
}
