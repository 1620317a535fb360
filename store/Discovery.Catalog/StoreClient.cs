using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Catalog;

/// <summary>
/// One call against any member of the store: the member that answered last is asked first; a member that cannot be
/// reached is passed over. Reads are repeated on another member, writes only when the request certainly never left.
/// Thread-safe. Errors are <see cref="GrpcException"/> with etcd's codes and texts.
/// </summary>
public sealed class StoreClient : IDisposable
{
    /// <summary>How long one call may take in all: two elections and a little.</summary>
    public static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    private readonly ImmutableArray<GrpcChannel> _members;
    private readonly StoreAddress _address;
    private volatile int _preferred;
    private volatile string? _token;

    /// <summary>A client of these members; nothing is sent yet.</summary>
    public StoreClient(StoreAddress address)
    {
        if (address.IsEmbedded)
        {
            throw new ArgumentException("the embedded store has an address once it runs", nameof(address));
        }

        _address = address;
        _members = [.. address.Endpoints.Select(e => new GrpcChannel(e, address.Tls))];
    }

    /// <summary>Whom this client asks, for logs and pages.</summary>
    public StoreAddress Address => _address;

    /// <summary>Reads keys; linearizable.</summary>
    public Task<RangeResponse> RangeAsync(RangeRequest request, CancellationToken cancellation) =>
        CallAsync("/etcdserverpb.KV/Range", request, RangeResponse.Parser, isRead: true, cancellation);

    /// <summary>Writes a key.</summary>
    public Task<PutResponse> PutAsync(PutRequest request, CancellationToken cancellation) =>
        CallAsync("/etcdserverpb.KV/Put", request, PutResponse.Parser, isRead: false, cancellation);

    /// <summary>Deletes keys.</summary>
    public Task<DeleteRangeResponse> DeleteRangeAsync(DeleteRangeRequest request, CancellationToken cancellation) =>
        CallAsync("/etcdserverpb.KV/DeleteRange", request, DeleteRangeResponse.Parser, isRead: false, cancellation);

    /// <summary>Compares and writes at one revision.</summary>
    public Task<TxnResponse> TxnAsync(TxnRequest request, CancellationToken cancellation) =>
        CallAsync("/etcdserverpb.KV/Txn", request, TxnResponse.Parser, isRead: false, cancellation);

    /// <summary>Makes a lease.</summary>
    public Task<LeaseGrantResponse> LeaseGrantAsync(LeaseGrantRequest request, CancellationToken cancellation) =>
        CallAsync("/etcdserverpb.Lease/LeaseGrant", request, LeaseGrantResponse.Parser, isRead: false, cancellation);

    /// <summary>Ends a lease and deletes its keys.</summary>
    public Task<LeaseRevokeResponse> LeaseRevokeAsync(LeaseRevokeRequest request, CancellationToken cancellation) =>
        CallAsync("/etcdserverpb.Lease/LeaseRevoke", request, LeaseRevokeResponse.Parser, isRead: false, cancellation);

    /// <summary>The members, as the cluster knows them.</summary>
    public Task<MemberListResponse> MemberListAsync(CancellationToken cancellation) =>
        CallAsync("/etcdserverpb.Cluster/MemberList", new MemberListRequest { Linearizable = true }, MemberListResponse.Parser, isRead: true, cancellation);

    /// <summary>What one member says of itself; not retried elsewhere.</summary>
    public async Task<StatusResponse> StatusAsync(Uri member, CancellationToken cancellation)
    {
        // Members that are not among the given endpoints get a channel for this one call.
        GrpcChannel? known = _members.FirstOrDefault(m => m.Address == member);
        GrpcChannel channel = known ?? new GrpcChannel(member, _address.Tls);
        try
        {
            return await CallMemberAsync(channel, "/etcdserverpb.Maintenance/Status", new StatusRequest(), StatusResponse.Parser, cancellation);
        }
        finally
        {
            if (known is null)
            {
                channel.Dispose();
            }
        }
    }

    /// <summary>Renews a lease once: the seconds it now has, or 0 when it has ended.</summary>
    public async Task<long> KeepAliveOnceAsync(long lease, CancellationToken cancellation)
    {
        var request = new LeaseKeepAliveRequest { ID = lease };
        LeaseKeepAliveResponse? answer = null;
        await OnAnyMemberAsync(
            async channel =>
            {
                using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                deadline.CancelAfter(CallTimeout);
                try
                {
                    string? token = await TokenAsync(channel, cancellation);
                    await foreach (var one in channel.StreamAsync(
                        "/etcdserverpb.Lease/LeaseKeepAlive", Once(request, deadline.Token), LeaseKeepAliveResponse.Parser, token, deadline.Token))
                    {
                        answer = one;
                        break;
                    }

                    return true;
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    throw new GrpcException(GrpcStatusCode.Unavailable, $"{channel.Address.Authority} did not answer a lease renewal");
                }
            },
            isRead: true);
        return answer?.TTL ?? throw new GrpcException(GrpcStatusCode.Unavailable, "the lease renewal ended without an answer");
    }

    /// <summary>
    /// One watch: its created message first, then events; ends with an exception when the member goes away, so that
    /// the caller resumes after the last revision it has seen.
    /// </summary>
    public async IAsyncEnumerable<WatchResponse> WatchAsync(
        WatchCreateRequest create,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        GrpcChannel channel = _members[_preferred];
        string? token = await TokenAsync(channel, cancellation);
        var responses = channel.StreamAsync(
            "/etcdserverpb.Watch/Watch", Once(new WatchRequest { CreateRequest = create }, cancellation), WatchResponse.Parser, token, cancellation);
        await using var stream = responses.GetAsyncEnumerator(cancellation);
        while (true)
        {
            bool more;
            try
            {
                more = await stream.MoveNextAsync();
            }
            catch (GrpcException e)
            {
                PassOver(channel, e);
                throw;
            }

            if (!more)
            {
                PassOver(channel, null);
                throw new GrpcException(GrpcStatusCode.Unavailable, $"{channel.Address.Authority} ended the watch");
            }

            yield return stream.Current;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (GrpcChannel member in _members)
        {
            member.Dispose();
        }
    }

    /// <summary>A request stream of one message that stays open: the server ends a call whose requests have ended.</summary>
    private static async IAsyncEnumerable<IMessage> Once(IMessage message, [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return message;
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private Task<TResponse> CallAsync<TResponse>(
        string path, IMessage request, MessageParser<TResponse> parser, bool isRead, CancellationToken cancellation)
        where TResponse : class, IMessage<TResponse> =>
        OnAnyMemberAsync(channel => CallMemberAsync(channel, path, request, parser, cancellation), isRead);

    private async Task<T> OnAnyMemberAsync<T>(Func<GrpcChannel, Task<T>> call, bool isRead)
    {
        for (int tries = 1; ; tries++)
        {
            GrpcChannel channel = _members[_preferred];
            try
            {
                return await call(channel);
            }
            catch (GrpcException e) when (e.Code is GrpcStatusCode.Unavailable or GrpcStatusCode.DeadlineExceeded)
            {
                PassOver(channel, e);
                if (tries >= _members.Length || !(isRead || e.NeverSent))
                {
                    throw;
                }
            }
        }
    }

    private async Task<TResponse> CallMemberAsync<TResponse>(
        GrpcChannel channel, string path, IMessage request, MessageParser<TResponse> parser, CancellationToken cancellation)
        where TResponse : class, IMessage<TResponse>
    {
        string? token = await TokenAsync(channel, cancellation);
        try
        {
            return await channel.UnaryAsync(path, request, parser, token, CallTimeout, cancellation);
        }
        catch (GrpcException e) when (token is not null && EtcdError.InvalidAuthToken.Is(e))
        {
            // etcd's simple tokens end with the member's process; a new login is expected of clients.
            _token = null;
            return await channel.UnaryAsync(path, request, parser, await TokenAsync(channel, cancellation), CallTimeout, cancellation);
        }
    }

    private async ValueTask<string?> TokenAsync(GrpcChannel channel, CancellationToken cancellation)
    {
        if (_address.User is null || _token is not null)
        {
            return _token;
        }

        try
        {
            AuthenticateResponse answer = await channel.UnaryAsync(
                "/etcdserverpb.Auth/Authenticate",
                new AuthenticateRequest { Name = _address.User, Password = _address.Password ?? "" },
                AuthenticateResponse.Parser,
                token: null,
                CallTimeout,
                cancellation);
            return _token = answer.Token;
        }
        catch (GrpcException e) when (EtcdError.AuthNotEnabled.Is(e))
        {
            return null;
        }
    }

    private void PassOver(GrpcChannel channel, GrpcException? e)
    {
        int index = _members.IndexOf(channel);
        if (index == _preferred && e?.Code is null or GrpcStatusCode.Unavailable or GrpcStatusCode.DeadlineExceeded)
        {
            _preferred = (index + 1) % _members.Length;
            _token = null;
        }
    }
}
