using System.Diagnostics;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;
using Discovery.Testing.Histories;
using Google.Protobuf;

namespace Discovery.Benchmarks;

/// <summary>One client that puts without an end, each call to the next member, and remembers how each ended.</summary>
internal sealed class FailoverWriter : IAsyncDisposable
{
    /// <summary>Before its keys.</summary>
    public const string Prefix = "/failover/";

    /// <summary>Few, so that every member's history fits the check; their values are unique.</summary>
    private const int Keys = 10;

    private static readonly TimeSpan CallTimeout = TimeSpan.FromMilliseconds(250);

    /// <summary>Between two calls: the gap is then known to 2 ms, and a run of minutes stays checkable.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);

    private readonly GrpcChannel[] _members;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Operation> _operations = [];
    private readonly Task _running;
    private readonly int _firstNumber;

    private FailoverWriter(IEnumerable<Uri> endpoints, int firstNumber)
    {
        _members = [.. endpoints.Select(static e => new GrpcChannel(e))];
        _firstNumber = firstNumber;
        _running = RunAsync();
    }

    /// <summary>Starts one.</summary>
    /// <param name="endpoints">Every member.</param>
    /// <param name="firstNumber">Values count from here, so that those of several writers differ.</param>
    public static FailoverWriter Start(IEnumerable<Uri> endpoints, int firstNumber) => new(endpoints, firstNumber);

    /// <summary>
    /// Waits for a write that was called after the member was dead and succeeds, and gives the longest time without a
    /// success up to there. A member may still answer for some milliseconds after it was told to die, so the moment of the
    /// kill says little.
    /// </summary>
    /// <param name="killed">When the member was told to die.</param>
    /// <param name="dead">When it was seen dead.</param>
    public async Task<TimeSpan> LongestGapAsync(long killed, long dead)
    {
        Operation[] successes = [];
        await Eventually.HoldsAsync(
            () =>
            {
                lock (_gate)
                {
                    successes = [.. _operations.Where(static o => o.IsChange)];
                    return successes.Any(o => o.Called > dead);
                }
            },
            what: "a write succeeds after the kill");
        int end = Array.FindIndex(successes, o => o.Called > dead);
        int start = Math.Max(1, Array.FindIndex(successes, o => o.Returned > killed));
        return Enumerable.Range(start, end - start + 1)
            .Max(i => Stopwatch.GetElapsedTime(successes[i - 1].Returned, successes[i].Returned));
    }

    /// <summary>Stops it and gives all that it did.</summary>
    public async Task<IReadOnlyList<Operation>> StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        return _operations;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (GrpcChannel member in _members)
        {
            member.Dispose();
        }

        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        for (int call = 0; !_stop.IsCancellationRequested; call++)
        {
            Operation operation = await PutAsync(_members[call % _members.Length], _firstNumber + call);
            lock (_gate)
            {
                _operations.Add(operation);
            }

            await Task.Delay(Pause, TimeProvider.System, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<Operation> PutAsync(GrpcChannel member, int number)
    {
        var asked = new Operation
        {
            Client = 0,
            Kind = OperationKind.Put,
            Key = $"{Prefix}{number % Keys}",
            Value = $"{number}",
            Member = member.Address.Authority,
            Called = Stopwatch.GetTimestamp(),
        };
        try
        {
            var put = new PutRequest { Key = ByteString.CopyFromUtf8(asked.Key), Value = ByteString.CopyFromUtf8(asked.Value) };
            PutResponse answer = await member.UnaryAsync("/etcdserverpb.KV/Put", put, PutResponse.Parser, token: null, CallTimeout, CancellationToken.None);
            return asked with { Returned = Stopwatch.GetTimestamp(), Outcome = Outcome.Ok, HasChanged = true, Revision = answer.Header.Revision };
        }
        catch (GrpcException e)
        {
            return asked with { Returned = Stopwatch.GetTimestamp(), Outcome = CallErrors.OutcomeOf(e), Error = $"{e.Code}: {e.Message}" };
        }
    }
}
