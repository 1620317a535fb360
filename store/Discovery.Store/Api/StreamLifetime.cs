using System.Diagnostics.CodeAnalysis;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;

namespace Discovery.Store.Api;

/// <summary>
/// Ends streams for reasons that are not their client's: the server stops, or there has been no leader for long and the
/// client had said that it would rather know. A new stream costs a client more than a refused request, so these wait
/// for <see cref="LeaderlessLooks"/> election timeouts (etcd: monitorLeader).
/// </summary>
[SuppressMessage("Reliability", "CA1001", Justification = "Streams hold the source's token for as long as they run; it has no handle.")]
internal sealed class StreamLifetime
{
    /// <summary>Looks in a row, an election timeout apart, that must find no leader (etcd: maxNoLeaderCnt).</summary>
    private const int LeaderlessLooks = 3;

    private readonly Func<bool> _hasLeader;
    private readonly CancellationToken _stopping;
    private CancellationTokenSource _leaderless = new();
    private int _looksWithout;

    /// <summary>Begins to look; stops with the server.</summary>
    public StreamLifetime(Func<bool> hasLeader, TimeSpan electionTimeout, TimeProvider time, CancellationToken stopping)
    {
        _hasLeader = hasLeader;
        _stopping = stopping;
        ITimer looks = time.CreateTimer(static state => ((StreamLifetime)state!).Look(), this, electionTimeout, electionTimeout);
        stopping.Register(static state => ((ITimer)state!).Dispose(), looks);
    }

    /// <summary>Runs a stream until it ends by itself, or for one of these reasons.</summary>
    /// <exception cref="GrpcException">The server stopped, or there was no leader for long.</exception>
    public async Task RunAsync(bool wantsLeader, Func<CancellationToken, Task> stream, CancellationToken client)
    {
        CancellationToken leaderless = wantsLeader ? Volatile.Read(ref _leaderless).Token : CancellationToken.None;
        using var any = CancellationTokenSource.CreateLinkedTokenSource(client, _stopping, leaderless);
        try
        {
            await stream(any.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw EtcdError.Stopped.ToException();
        }
        catch (OperationCanceledException) when (leaderless.IsCancellationRequested)
        {
            throw EtcdError.NoLeader.ToException();
        }
    }

    private void Look()
    {
        _looksWithout = _hasLeader() ? 0 : _looksWithout + 1;
        if (_looksWithout >= LeaderlessLooks)
        {
            _looksWithout = 0;
            // Not disposed: a stream that begins now may still take its token, and ends at once.
            Interlocked.Exchange(ref _leaderless, new()).Cancel();
        }
    }
}
