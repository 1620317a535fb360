using System.Collections.Immutable;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Catalog;

/// <summary>An instance as the store holds it: the record, or null when the value is not one, and the lease it hangs on.</summary>
public sealed record StoredInstance(ServiceInstance? Instance, long Lease);

/// <summary>What the store holds of one host: its instances by key, and its own record with its lease.</summary>
public sealed record HostState(ImmutableSortedDictionary<string, StoredInstance> Instances, HostRecord? Host, long HostLease);

/// <summary>
/// What one host writes: its instances and its own record, all under one lease. Holds no state: the caller decides
/// from <see cref="ReadAsync"/> what to write. A failed write has an unknown outcome; read again and decide anew.
/// </summary>
public sealed class HostRegistrations(StoreClient store, string host, LeaseSession lease)
{
    /// <summary>Writes in one transaction; etcd takes 128.</summary>
    private const int OpsPerTxn = 100;

    /// <summary>Reads what the store holds of this host, at one revision.</summary>
    public async Task<HostState> ReadAsync(CancellationToken cancellation)
    {
        KeyRange instances = KeyRange.Prefix(CatalogKeys.InstancesOf(host));
        TxnResponse read = await store.TxnAsync(
            new TxnRequest
            {
                Success =
                {
                    new RequestOp { RequestRange = new() { Key = instances.Key, RangeEnd = instances.End } },
                    new RequestOp { RequestRange = new() { Key = ByteString.CopyFromUtf8(CatalogKeys.Host(host)) } },
                },
            },
            cancellation);
        KeyValue? own = read.Responses[1].ResponseRange.Kvs.FirstOrDefault();
        return new(
            read.Responses[0].ResponseRange.Kvs.ToImmutableSortedDictionary(
                static pair => pair.Key.ToStringUtf8(),
                static pair => new StoredInstance(CatalogJson.Read<ServiceInstance>(pair.Value.Span).Record, pair.Lease),
                StringComparer.Ordinal),
            own is null ? null : CatalogJson.Read<HostRecord>(own.Value.Span).Record,
            own?.Lease ?? 0);
    }

    /// <summary>
    /// Writes in transactions of at most 100: deletions first, so that a moved instance is never seen twice, then the
    /// instances, then the host's record.
    /// </summary>
    /// <exception cref="GrpcException">Nothing, some or all of it was written.</exception>
    public async Task WriteAsync(
        IEnumerable<ServiceInstance> puts,
        IEnumerable<string> deletedKeys,
        HostRecord? record,
        CancellationToken cancellation)
    {
        long id = await lease.EnsureAsync(cancellation);
        IEnumerable<RequestOp> ops = deletedKeys
            .Select(static key => new RequestOp { RequestDeleteRange = new() { Key = ByteString.CopyFromUtf8(key) } })
            .Concat(puts.Select(i => Put(CatalogKeys.Instance(host, i.Service, i.Id), CatalogJson.Write(i), id)));
        if (record is not null)
        {
            ops = ops.Append(Put(CatalogKeys.Host(host), CatalogJson.Write(record), id));
        }

        foreach (RequestOp[] batch in ops.Chunk(OpsPerTxn))
        {
            try
            {
                await store.TxnAsync(new TxnRequest { Success = { batch } }, cancellation);
            }
            catch (GrpcException e) when (EtcdError.LeaseNotFound.Is(e))
            {
                lease.Forget(id);
                throw;
            }
        }
    }

    private static RequestOp Put(string key, byte[] value, long lease) => new()
    {
        RequestPut = new() { Key = ByteString.CopyFromUtf8(key), Value = UnsafeByteOperations.UnsafeWrap(value), Lease = lease },
    };
}
