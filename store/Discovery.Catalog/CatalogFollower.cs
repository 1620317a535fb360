using System.Runtime.CompilerServices;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Microsoft.Extensions.Logging;

namespace Discovery.Catalog;

/// <summary>
/// Follows the catalog: all of it, then each change. While the store is away the last content stays and says so; a
/// watch resumes where it stopped; a compacted, replaced or restored store is read anew.
/// </summary>
/// <remarks>One enumeration at a time; it owns the content, readers get immutable snapshots.</remarks>
public sealed partial class CatalogFollower(StoreClient store, TimeProvider time, ILogger<CatalogFollower> logger)
{
    private static readonly TimeSpan RetryMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryMax = TimeSpan.FromSeconds(2);

    private readonly CatalogContent _content = new();
    private ulong _cluster;

    /// <summary>
    /// Yields a snapshot at once, after each change, and when the connection comes or goes. Ends only by cancellation.
    /// </summary>
    public async IAsyncEnumerable<CatalogSnapshot> FollowAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        TimeSpan retry = RetryMin;
        while (true)
        {
            await using (var changes = ReadAsync(cancellation).GetAsyncEnumerator(cancellation))
            {
                while (true)
                {
                    string? problem = null;
                    try
                    {
                        if (!await changes.MoveNextAsync())
                        {
                            break;
                        }

                        retry = RetryMin;
                    }
                    catch (GrpcException e)
                    {
                        problem = e.Message;
                    }

                    bool wasConnected = _content.Snapshot.Connected;
                    _content.Connection(problem, time.GetUtcNow());
                    yield return _content.Snapshot;
                    if (problem is not null)
                    {
                        if (wasConnected)
                        {
                            LogAway(store.Address, problem);
                        }

                        break;
                    }

                    if (!wasConnected)
                    {
                        LogConnected(store.Address, _content.Snapshot.Revision);
                    }
                }
            }

            if (!_content.Snapshot.Connected)
            {
                await Task.Delay(retry, time, cancellation);
                retry = retry * 2 < RetryMax ? retry * 2 : RetryMax;
            }
        }
    }

    /// <summary>
    /// Advances the content step by step; a step is worth a snapshot. Ends when the content has to be read anew.
    /// </summary>
    private async IAsyncEnumerable<bool> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        if (_content.Snapshot.Revision == 0)
        {
            RangeResponse all = await store.RangeAsync(
                new RangeRequest { Key = CatalogKeys.Catalog.Key, RangeEnd = CatalogKeys.Catalog.End }, cancellation);
            _cluster = all.Header.ClusterId;
            _content.Load(all.Kvs, all.Header.Revision);
            yield return true;
        }

        var create = new WatchCreateRequest
        {
            Key = CatalogKeys.Catalog.Key,
            RangeEnd = CatalogKeys.Catalog.End,
            StartRevision = _content.Snapshot.Revision + 1,
            ProgressNotify = true,
        };
        await foreach (WatchResponse response in store.WatchAsync(create, cancellation))
        {
            // A store that is behind us or another one is not the one we read: a wiped disk, a restored backup.
            bool otherStore = response.Header.ClusterId != _cluster
                || (response.Created && response.Header.Revision < _content.Snapshot.Revision);
            if (response.Canceled || otherStore)
            {
                LogReadAnew(store.Address, otherStore ? "it is not the store that was read before" : $"history up to {response.CompactRevision} is compacted");
                _content.Forget();
                yield break;
            }

            // Between "created" and the events before its revision lies what was missed; only events and progress
            // notices say how far we have come (a header may be ahead of the events it comes with).
            long revision = response.Events.Count > 0 ? response.Events[^1].Kv.ModRevision
                : response.Created ? _content.Snapshot.Revision
                : response.Header.Revision;
            _content.Apply(response.Events, revision);
            yield return true;
        }
    }

    [LoggerMessage(1111, LogLevel.Information, "Following the catalog at {Store}, revision {Revision}")]
    private partial void LogConnected(StoreAddress store, long revision);

    [LoggerMessage(1112, LogLevel.Warning, "The store at {Store} is away: {Problem}. The last catalog stays in use")]
    private partial void LogAway(StoreAddress store, string problem);

    [LoggerMessage(1113, LogLevel.Warning, "Reading the catalog at {Store} anew: {Reason}")]
    private partial void LogReadAnew(StoreAddress store, string reason);
}
