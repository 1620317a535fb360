using System.Collections.Immutable;
using Discovery.Catalog;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Proxy.Routing;
using Google.Protobuf;

namespace Discovery.Proxy;

/// <summary>
/// Tells the store what this proxy has applied: <c>/discovery/proxies/&lt;name&gt;</c>, under a lease of its own. Written
/// at once when a draining instance enters or leaves or has no request in flight any more, since a drain waits for it;
/// else every 10 s at most, and not at all while nothing changes.
/// </summary>
/// <remarks>Only carries: it owns the lease and what was written last, and reads what <see cref="RouteUpdater"/> publishes.</remarks>
internal sealed partial class ProxyAnnouncer(
    StoreClient store, RouteUpdater routes, ProxyRecord self, LeaseSession lease, TimeProvider time, ILogger<ProxyAnnouncer> logger)
{
    private readonly string _key = CatalogKeys.Proxy(self.Name);
    private Announcement? _written;
    private long _writtenAt;

    /// <summary>Announces until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            RouterState state = routes.State;
            bool failed = false;
            if (state is { Table: { } table, Connected: true } && IsDue(table))
            {
                failed = !await TryWriteAsync(state, table, cancellation);
            }

            await WaitAsync(failed, cancellation);
        }
    }

    /// <summary>The lease has ended, and the record with it.</summary>
    public void Lost() => Volatile.Write(ref _written, null);

    private bool IsDue(RouteTable table)
    {
        if (Volatile.Read(ref _written) is not { } written)
        {
            return true;
        }

        // Only the table counts: the revision alone moves with every write of any proxy, this one's included.
        bool changed = !ReferenceEquals(table, written.Table) || InFlight(table) != written.InFlight;
        return changed && (DrainMoved(table, written) || time.GetElapsedTime(_writtenAt) >= Limits.Announce);
    }

    private static bool DrainMoved(RouteTable table, Announcement written) =>
        table.Draining.Count != written.Draining.Count
        || table.Draining.Any(d => !written.Draining.TryGetValue(d.Key, out int before) || (before > 0 && d.Value.Traffic.InFlight == 0));

    private static int InFlight(RouteTable table) => table.Draining.Values.Sum(static d => d.Traffic.InFlight);

    private async Task<bool> TryWriteAsync(RouterState state, RouteTable table, CancellationToken cancellation)
    {
        var draining = table.Draining.ToImmutableDictionary(static d => d.Key, static d => d.Value.Traffic.InFlight, StringComparer.Ordinal);
        long id = 0;
        try
        {
            id = await lease.EnsureAsync(cancellation);
            await store.PutAsync(
                new PutRequest
                {
                    Key = ByteString.CopyFromUtf8(_key),
                    Value = UnsafeByteOperations.UnsafeWrap(CatalogJson.Write(Record(state, table, draining))),
                    Lease = id,
                },
                cancellation);
        }
        catch (GrpcException e)
        {
            if (EtcdError.LeaseNotFound.Is(e))
            {
                lease.Forget(id);
            }

            LogNotAnnounced(_key, e.Message);
            return false;
        }

        Volatile.Write(ref _written, new(table, draining, InFlight(table)));
        _writtenAt = time.GetTimestamp();
        return true;
    }

    private ProxyRecord Record(RouterState state, RouteTable table, ImmutableDictionary<string, int> draining) => self with
    {
        AppliedRevision = state.AppliedRevision,
        Draining = ImmutableSortedDictionary<string, int>.Empty.WithComparers(StringComparer.Ordinal)
            .SetItems(draining.Select(d => KeyValuePair.Create(table.Draining[d.Key].Instance.Id, d.Value))),
        Routes = table.Routes.Count(),
        Problems = table.Problems.Take(Limits.AnnouncedProblems).Select(static p => p.ToString()).ToEquatableArray(),
    };

    private async Task WaitAsync(bool failed, CancellationToken cancellation)
    {
        if (failed)
        {
            await Task.Delay(Limits.AvoidFirst, time, cancellation);
            return;
        }

        // A published state wakes at once; the end of a request to a draining instance is found by looking.
        bool draining = routes.State.Table is { Draining.IsEmpty: false };
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<bool> applied = routes.Applied.WaitToReadAsync(wait.Token).AsTask();
        await Task.WhenAny(applied, Task.Delay(draining ? Limits.DrainBeat : Limits.AvoidFirst, time, wait.Token));
        await wait.CancelAsync();
        routes.Applied.TryRead(out _);
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>What the store was told last.</summary>
    private sealed record Announcement(RouteTable Table, ImmutableDictionary<string, int> Draining, int InFlight);

    [LoggerMessage(3011, LogLevel.Debug, "{Key} was not written: {Reason}. Trying on")]
    private partial void LogNotAnnounced(string key, string reason);
}
