using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;

namespace Discovery.Store.Tests.Api;

/// <summary>A real store on a free port with a data folder of its own, and a client of it.</summary>
public sealed class TestStore : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly bool _ownsFolder;

    private TestStore(StoreServer server, string folder, bool ownsFolder)
    {
        Server = server;
        Folder = folder;
        _ownsFolder = ownsFolder;
        Channel = new(server.ClientUrls[0]);
    }

    public StoreServer Server { get; }

    public string Folder { get; }

    public Uri Url => Server.ClientUrls[0];

    public GrpcChannel Channel { get; }

    public static StoreOptions OptionsIn(string folder) => new()
    {
        Name = "m1",
        DataDir = folder,
        ListenClientUrls = ["http://127.0.0.1:0"],
        AdvertiseClientUrls = ["http://127.0.0.1:12379"],
    };

    /// <summary>Starts one; in this folder, or else in one that goes away with it.</summary>
    public static async Task<TestStore> StartAsync(
        string? folder = null,
        Func<StoreOptions, StoreOptions>? configure = null,
        TimeProvider? time = null)
    {
        string data = folder ?? Directory.CreateTempSubdirectory("discovery-store-").FullName;
        StoreOptions options = configure?.Invoke(OptionsIn(data)) ?? OptionsIn(data);
        var server = await StoreServer.StartAsync(options, time ?? TimeProvider.System, NullLoggerFactory.Instance, CancellationToken.None);
        return new(server, data, ownsFolder: folder is null);
    }

    public Task<TResponse> CallAsync<TResponse>(string path, IMessage request, MessageParser<TResponse> parser)
        where TResponse : class, IMessage<TResponse> =>
        Channel.UnaryAsync(path, request, parser, token: null, Patience, CancellationToken.None);

    public Task<PutResponse> PutAsync(string key, string value, long lease = 0) => CallAsync(
        "/etcdserverpb.KV/Put",
        new PutRequest { Key = Bytes(key), Value = Bytes(value), Lease = lease },
        PutResponse.Parser);

    public Task<DeleteRangeResponse> DeleteAsync(string key) => CallAsync(
        "/etcdserverpb.KV/DeleteRange",
        new DeleteRangeRequest { Key = Bytes(key) },
        DeleteRangeResponse.Parser);

    public Task<RangeResponse> RangeAsync(RangeRequest request) => CallAsync("/etcdserverpb.KV/Range", request, RangeResponse.Parser);

    public Task<RangeResponse> GetPrefixAsync(string prefix)
    {
        KeyRange range = KeyRange.Prefix(prefix);
        return RangeAsync(new() { Key = range.Key, RangeEnd = range.End });
    }

    public Task<TxnResponse> TxnAsync(TxnRequest request) => CallAsync("/etcdserverpb.KV/Txn", request, TxnResponse.Parser);

    public Task<CompactionResponse> CompactAsync(long revision) =>
        CallAsync("/etcdserverpb.KV/Compact", new CompactionRequest { Revision = revision }, CompactionResponse.Parser);

    public Task<LeaseGrantResponse> GrantAsync(long ttl, long id = 0) =>
        CallAsync("/etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { TTL = ttl, ID = id }, LeaseGrantResponse.Parser);

    /// <summary>The call must fail with this error.</summary>
    public static async Task FailsAsync(EtcdError wanted, Func<Task> call)
    {
        var e = await Assert.ThrowsAsync<GrpcException>(call);
        Assert.Equal((wanted.Code, wanted.Text), (e.Code, e.Message));
    }

    public static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await Server.DisposeAsync();
        if (_ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}
