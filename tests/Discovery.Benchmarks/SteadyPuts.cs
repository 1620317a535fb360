using System.Diagnostics;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;
using Google.Protobuf;

namespace Discovery.Benchmarks;

/// <summary>A steady number of puts a second on one member. Each is timed from when it was due, not from when the one before let it go.</summary>
internal sealed class SteadyPuts : IAsyncDisposable
{
    /// <summary>Puts are due in this rhythm, a few at a time.</summary>
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(5);

    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);

    private readonly RunningMember _member;
    private readonly int _perSecond;
    private readonly ByteString _value;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly Task _running;
    private Sample _sample = new("steady");

    private SteadyPuts(RunningMember member, int perSecond, int valueBytes)
    {
        _member = member;
        _perSecond = perSecond;
        _value = ByteString.CopyFrom(new byte[valueBytes]);
        _running = RunAsync();
    }

    /// <summary>Puts that failed.</summary>
    public int Failures { get; private set; }

    /// <summary>Starts.</summary>
    public static SteadyPuts Start(RunningMember member, int perSecond, int valueBytes) => new(member, perSecond, valueBytes);

    /// <summary>What was timed since the last call.</summary>
    public Sample Take()
    {
        lock (_gate)
        {
            Sample taken = _sample;
            _sample = new("steady");
            return taken;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var beat = new PeriodicTimer(Beat);
        List<Task> calls = [];
        long begun = Stopwatch.GetTimestamp();
        for (long number = 0; !_stop.IsCancellationRequested;)
        {
            long due = (long)(Stopwatch.GetElapsedTime(begun).TotalSeconds * _perSecond);
            for (; number < due; number++)
            {
                calls.Add(PutAsync(number, begun + (number * Stopwatch.Frequency / _perSecond)));
            }

            calls.RemoveAll(static call => call.IsCompleted);
            await beat.WaitForNextTickAsync(_stop.Token);
        }

        await Task.WhenAll(calls);
    }

    private async Task PutAsync(long number, long due)
    {
        var put = new PutRequest { Key = ByteString.CopyFromUtf8($"/steady/{number % 1000}"), Value = _value };
        try
        {
            await _member.Channel.UnaryAsync("/etcdserverpb.KV/Put", put, PutResponse.Parser, token: null, CallTimeout, CancellationToken.None);
            lock (_gate)
            {
                _sample.Add(Stopwatch.GetElapsedTime(due));
            }
        }
        catch (GrpcException)
        {
            lock (_gate)
            {
                Failures++;
            }
        }
    }
}
