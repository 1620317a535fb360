using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Discovery.Catalog;

/// <summary>
/// One lease and its renewals. A process that comes back within the TTL takes its old lease over, found on the key
/// that it always writes (its anchor), so that its other keys stay untouched.
/// </summary>
/// <param name="store">Where the lease lives.</param>
/// <param name="anchor">The key that carries the lease from one life of the process to the next.</param>
/// <param name="ttl">How long keys outlive the last renewal; default 15 s, at least 5 s.</param>
/// <param name="time">Paces the renewals.</param>
/// <param name="logger">Told when a lease is taken over, lost, or cannot be renewed.</param>
public sealed partial class LeaseSession(StoreClient store, string anchor, TimeSpan ttl, TimeProvider time, ILogger<LeaseSession> logger)
{
    private long _id;

    /// <summary>The lease; 0 while there is none.</summary>
    public long Id => Interlocked.Read(ref _id);

    /// <summary>Makes sure there is a living lease: the present one, else the anchor's, else a new one.</summary>
    /// <returns>The lease's id. Another id than before means that keys under the old one are gone or going.</returns>
    public async Task<long> EnsureAsync(CancellationToken cancellation)
    {
        if (Id is var present and not 0)
        {
            return present;
        }

        RangeResponse found = await store.RangeAsync(
            new RangeRequest { Key = ByteString.CopyFromUtf8(anchor) }, cancellation);
        long old = found.Kvs.Count == 1 ? found.Kvs[0].Lease : 0;
        long seconds = (long)Math.Ceiling(ttl.TotalSeconds);

        // A lease keeps the TTL it was granted with: one of another TTL than wanted now is left to end by itself.
        if (old != 0 && await store.KeepAliveOnceAsync(old, cancellation) == seconds)
        {
            LogTakenOver(old, anchor);
            Interlocked.Exchange(ref _id, old);
            return old;
        }

        LeaseGrantResponse granted = await store.LeaseGrantAsync(
            new LeaseGrantRequest { TTL = seconds }, cancellation);
        Interlocked.Exchange(ref _id, granted.ID);
        return granted.ID;
    }

    /// <summary>Renews once. False when the lease has ended: <see cref="EnsureAsync"/> then makes another.</summary>
    public async Task<bool> RenewAsync(CancellationToken cancellation)
    {
        long id = Id;
        if (id == 0)
        {
            return false;
        }

        if (await store.KeepAliveOnceAsync(id, cancellation) > 0)
        {
            return true;
        }

        LogLost(id);
        Forget(id);
        return false;
    }

    /// <summary>
    /// Renews every third of the TTL until cancelled. A store that is away is no loss: the lease may still live when it is back.
    /// </summary>
    /// <param name="onLost">Called when the store says that the lease has ended.</param>
    /// <param name="cancellation">Ends the renewals; the lease stays.</param>
    public async Task KeepAliveAsync(Action onLost, CancellationToken cancellation)
    {
        using var beat = new PeriodicTimer(ttl / 3, time);
        bool away = false;
        while (await beat.WaitForNextTickAsync(cancellation))
        {
            try
            {
                if (Id != 0 && !await RenewAsync(cancellation))
                {
                    onLost();
                }

                away = false;
            }
            catch (GrpcException e)
            {
                if (!away)
                {
                    LogNotRenewed(e.Message);
                }

                away = true;
            }
        }
    }

    /// <summary>Ends the lease: its keys go at once. A lease that is gone already is no error.</summary>
    public async Task RevokeAsync(CancellationToken cancellation)
    {
        long id = Interlocked.Exchange(ref _id, 0);
        if (id == 0)
        {
            return;
        }

        try
        {
            await store.LeaseRevokeAsync(new LeaseRevokeRequest { ID = id }, cancellation);
        }
        catch (GrpcException e) when (EtcdError.LeaseNotFound.Is(e))
        {
        }
    }

    /// <summary>A write failed because the lease has ended: the next <see cref="EnsureAsync"/> makes another.</summary>
    public void Forget(long id) => Interlocked.CompareExchange(ref _id, 0, id);

    [LoggerMessage(1101, LogLevel.Information, "Took over lease {Lease:x} from {Anchor}")]
    private partial void LogTakenOver(long lease, string anchor);

    [LoggerMessage(1102, LogLevel.Warning, "Lease {Lease:x} has ended; everything is registered again under a new one")]
    private partial void LogLost(long lease);

    [LoggerMessage(1103, LogLevel.Warning, "The lease could not be renewed: {Reason}. Trying on; registrations stay until the TTL ends")]
    private partial void LogNotRenewed(string reason);
}
