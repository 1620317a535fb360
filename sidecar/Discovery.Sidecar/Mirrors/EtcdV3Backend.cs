using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Discovery.Catalog;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// etcd's v3 API. With a TTL all entries hang on one lease, whose id is made of host, place and TTL: the next life of this process
/// finds it again without a note anywhere, and what hangs on it is certainly ours.
/// </summary>
internal sealed class EtcdV3Backend : MirrorBackend
{
    private readonly MirrorUri _uri;
    private readonly MirrorOptions _options;
    private readonly StoreClient _store;
    private readonly long _leaseId;

    /// <summary>A client of this place; nothing is sent yet.</summary>
    /// <exception cref="FormatException">A certificate cannot be read; one line.</exception>
    public EtcdV3Backend(MirrorUri uri, MirrorOptions options)
    {
        (_uri, _options) = (uri, options);
        string scheme = uri.IsTls ? "https" : "http";
        _store = new(new StoreAddress
        {
            Endpoints = uri.Hosts.Select(host => new Uri($"{scheme}://{host}")).ToEquatableArray(),
            User = uri.User,
            Password = uri.Password,
            Tls = MirrorHttp.TlsOptions(uri),
        });
        _leaseId = options.TtlSeconds > 0 ? LeaseId(uri, options) : 0;
    }

    /// <inheritdoc/>
    public override TimeSpan CallTimeout => _uri.Hosts.Count > 1 ? MirrorLimits.ClusterCall : MirrorLimits.Call;

    /// <inheritdoc/>
    public override MirrorEntry EntryOf(MirroredService service) => MirrorLayout.Entry(_uri.Kind, _uri.Path, service);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<FoundEntry>> ListAsync(IReadOnlyCollection<string> candidates, CancellationToken cancellation) =>
        AskAsync<IReadOnlyList<FoundEntry>>(async () =>
        {
            await EnsureLeaseAsync(cancellation);
            var found = new List<FoundEntry>();
            KeyRange all = KeyRange.Prefix(_uri.Path + "/");
            ByteString next = all.Key;
            while (true)
            {
                RangeResponse page = await _store.RangeAsync(
                    new RangeRequest { Key = next, RangeEnd = all.End, Limit = MirrorLimits.Page }, cancellation);
                found.AddRange(page.Kvs.Select(Found).OfType<FoundEntry>());
                if (!page.More || page.Kvs.Count == 0)
                {
                    return found;
                }

                next = ByteString.CopyFrom([.. page.Kvs[^1].Key.Span, 0]);
            }
        });

    /// <inheritdoc/>
    public override Task PutAsync(MirrorEntry entry, CancellationToken cancellation) => PutAsync(entry, _leaseId, cancellation);

    /// <inheritdoc/>
    public override Task RemoveAsync(string key, CancellationToken cancellation) =>
        AskAsync(() => _store.DeleteRangeAsync(new DeleteRangeRequest { Key = ByteString.CopyFromUtf8(key) }, cancellation));

    /// <inheritdoc/>
    public override Task<bool> RefreshAsync(IReadOnlyCollection<MirrorEntry> entries, CancellationToken cancellation) =>
        AskAsync(async () => _leaseId == 0 || await _store.KeepAliveOnceAsync(_leaseId, cancellation) > 0);

    /// <inheritdoc/>
    public override async Task ReleaseAsync(MirrorEntry entry, CancellationToken cancellation)
    {
        if (_leaseId != 0)
        {
            // A lease of its own that nobody renews.
            LeaseGrantResponse granted = await AskAsync(
                () => _store.LeaseGrantAsync(new LeaseGrantRequest { TTL = _options.TtlSeconds }, cancellation));
            await PutAsync(entry, granted.ID, cancellation);
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Positive and the same in every life, but another for another TTL: a lease keeps the one it was granted with.</summary>
    private static long LeaseId(MirrorUri uri, MirrorOptions options)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"discovery mirror\0{options.Host}\0{uri.Kind}\0{uri.Path}\0{options.TtlSeconds}"));
        return (BinaryPrimitives.ReadInt64BigEndian(hash) & long.MaxValue) | 1;
    }

    private async Task EnsureLeaseAsync(CancellationToken cancellation)
    {
        if (_leaseId == 0 || await _store.KeepAliveOnceAsync(_leaseId, cancellation) > 0)
        {
            return;
        }

        try
        {
            await _store.LeaseGrantAsync(new LeaseGrantRequest { ID = _leaseId, TTL = _options.TtlSeconds }, cancellation);
        }
        catch (GrpcException e) when (EtcdError.LeaseExists.Is(e))
        {
            // It has ended but is not removed yet: its keys are about to go. The next try finds neither.
            throw new MirrorException($"{_uri}: the lease of an earlier life is just ending", inner: e);
        }
    }

    private Task<PutResponse> PutAsync(MirrorEntry entry, long lease, CancellationToken cancellation) => AskAsync(() => _store.PutAsync(
        new PutRequest { Key = ByteString.CopyFromUtf8(entry.Key), Value = ByteString.CopyFromUtf8(entry.Value), Lease = lease }, cancellation));

    private FoundEntry? Found(KeyValue pair)
    {
        string key = pair.Key.ToStringUtf8();
        bool isOnLease = _leaseId != 0 && pair.Lease == _leaseId;
        string? id = MirrorLayout.IdOf(_uri.Path, key) ?? (isOnLease ? key : null);
        return id is null ? null : new(id, key, pair.Value.ToStringUtf8(), isOnLease, IsLasting: pair.Lease == _leaseId);
    }

    /// <summary>A call with its failures as a mirror's.</summary>
    private async Task<T> AskAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (GrpcException e)
        {
            bool isRefusal = e.Code is GrpcStatusCode.InvalidArgument or GrpcStatusCode.PermissionDenied or GrpcStatusCode.ResourceExhausted;
            throw new MirrorException($"{string.Join(',', _uri.Hosts)}: {e.Message.ReplaceLineEndings(" ")}", isRefusal, e);
        }
    }
}
