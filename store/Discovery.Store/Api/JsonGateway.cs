using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Watch;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;

namespace Discovery.Store.Api;

/// <summary>
/// etcd's JSON form of its API under <c>/v3</c>, and under the older prefixes that clients still use: bytes are base64,
/// 64-bit numbers are strings, names are the protocol's own, zero fields are left out, unknown ones ignored.
/// </summary>
internal sealed class JsonGateway(int maxMessageBytes, Admission admission)
{
    private const string ContentType = "application/json";

    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));

    private readonly Dictionary<string, Func<HttpContext, Task>> _methods = new(StringComparer.Ordinal);

    /// <summary>Base64 takes four bytes for three; the rest is names and quotes.</summary>
    private int MaxBodyBytes => (maxMessageBytes / 3 * 4) + (64 * 1024);

    /// <summary>Enters every method that has a JSON form.</summary>
    public void Map(KvService kv, LeaseService lease, ClusterService cluster, MaintenanceService maintenance, WatchService watch)
    {
        Unary<RangeRequest, RangeResponse>("/kv/range", kv.RangeAsync);
        Unary<PutRequest, PutResponse>("/kv/put", kv.PutAsync);
        Unary<DeleteRangeRequest, DeleteRangeResponse>("/kv/deleterange", kv.DeleteRangeAsync);
        Unary<TxnRequest, TxnResponse>("/kv/txn", kv.TxnAsync);
        Unary<CompactionRequest, CompactionResponse>("/kv/compaction", kv.CompactAsync);
        Unary<LeaseGrantRequest, LeaseGrantResponse>("/lease/grant", lease.GrantAsync);
        foreach (string group in (ReadOnlySpan<string>)["/lease", "/kv/lease"])
        {
            Unary<LeaseRevokeRequest, LeaseRevokeResponse>($"{group}/revoke", lease.RevokeAsync);
            Unary<LeaseTimeToLiveRequest, LeaseTimeToLiveResponse>($"{group}/timetolive", lease.TimeToLiveAsync);
            Unary<LeaseLeasesRequest, LeaseLeasesResponse>($"{group}/leases", lease.LeasesAsync);
        }

        Unary<MemberListRequest, MemberListResponse>("/cluster/member/list", cluster.MemberListAsync);
        Unary<MemberAddRequest, MemberAddResponse>("/cluster/member/add", cluster.MemberAddAsync);
        Unary<MemberRemoveRequest, MemberRemoveResponse>("/cluster/member/remove", cluster.MemberRemoveAsync);
        Unary<MemberUpdateRequest, MemberUpdateResponse>("/cluster/member/update", cluster.MemberUpdateAsync);
        Unary<MemberPromoteRequest, MemberPromoteResponse>("/cluster/member/promote", cluster.MemberPromoteAsync);
        Unary<StatusRequest, StatusResponse>("/maintenance/status", (request, _) => new(maintenance.Status(request)));
        Unary<AlarmRequest, AlarmResponse>("/maintenance/alarm", (request, _) => new(maintenance.Alarm(request)));
        Unary<DefragmentRequest, DefragmentResponse>("/maintenance/defragment", static (request, _) => new(MaintenanceService.Defragment(request)));
        Unary<MoveLeaderRequest, MoveLeaderResponse>("/maintenance/transfer-leadership", maintenance.MoveLeaderAsync);
        Unary<HashKVRequest, HashKVResponse>("/maintenance/hashkv", (request, _) => new(maintenance.HashKV(request)));
        Unary<HashRequest, HashResponse>("/maintenance/hash", (request, _) => new(maintenance.Hash(request)));
        Unary<AuthenticateRequest, AuthenticateResponse>("/auth/authenticate", static (_, _) => throw EtcdApi.EtcdError.AuthNotEnabled.ToException());
        Streaming("/watch", (lines, wantsLeader) => watch.ServeAsync(lines, wantsLeader, lines.Cancellation));
        Streaming("/lease/keepalive", async (lines, _) =>
        {
            while (await lines.ReadAsync<LeaseKeepAliveRequest>(lines.Cancellation) is { } request)
            {
                lines.Write(await lease.RenewAsync(request, lines.Cancellation));
                await lines.FlushAsync(lines.Cancellation);
            }
        });
    }

    /// <summary>Serves the request if the path is one of ours; null when it is not.</summary>
    public Task? TryServe(HttpContext context, string path)
    {
        string? rest = AfterPrefix(path);
        return rest is null || !_methods.TryGetValue(rest, out Func<HttpContext, Task>? method) ? null
            : HttpMethods.IsPost(context.Request.Method) ? method(context)
            : NotPost(context);
    }

    private static string? AfterPrefix(string path)
    {
        int end = path.IndexOf('/', 1);
        return end > 0 && path.AsSpan(0, end) is "/v3" or "/v3beta" or "/v3alpha" ? path[end..] : null;
    }

    private static Task NotPost(HttpContext context)
    {
        context.Response.Headers.Allow = "POST";
        return HttpFace.WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "text/plain; charset=utf-8", "Method Not Allowed\n");
    }

    private void Unary<TRequest, TResponse>(string path, Func<TRequest, CancellationToken, ValueTask<TResponse>> handler)
        where TRequest : IMessage, new()
        where TResponse : IMessage =>
        _methods[path] = context => AnswerAsync(context, async () =>
        {
            string body = await ReadBodyAsync(context);
            TRequest request = body.Length == 0 ? new() : Parse<TRequest>(body);
            admission.Check(request, WantsLeader(context));
            TResponse response = await handler(request, context.RequestAborted);
            await HttpFace.WriteAsync(context, StatusCodes.Status200OK, ContentType, Formatter.Format(response));
        });

    private void Streaming(string path, Func<JsonLines, bool, Task> handler) =>
        _methods[path] = context => AnswerAsync(context, async () =>
        {
            bool wantsLeader = WantsLeader(context);
            admission.CheckStream(wantsLeader);
            await using var lines = new JsonLines(context);
            context.Response.ContentType = ContentType;
            await handler(lines, wantsLeader);
        });

    /// <summary>Metadata of gRPC comes as headers with a prefix, as grpc-gateway has it.</summary>
    private static bool WantsLeader(HttpContext context) =>
        Admission.WantsLeader(context.Request.Headers[$"Grpc-Metadata-{Admission.LeaderMetadata}"]);

    /// <summary>Runs a method; what it throws becomes gRPC's error in JSON.</summary>
    private static async Task AnswerAsync(HttpContext context, Func<Task> method)
    {
        try
        {
            await method();
        }
        catch (GrpcException e)
        {
            await WriteErrorAsync(context, e);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left; nobody reads an answer.
        }
    }

    private async Task<string> ReadBodyAsync(HttpContext context)
    {
        PipeReader body = context.Request.BodyReader;
        while (true)
        {
            ReadResult read = await body.ReadAsync(context.RequestAborted);
            if (read.Buffer.Length > MaxBodyBytes)
            {
                body.AdvanceTo(read.Buffer.End);
                throw new GrpcException(
                    GrpcStatusCode.ResourceExhausted,
                    $"grpc: received message larger than max ({read.Buffer.Length} vs. {MaxBodyBytes})");
            }

            if (read.IsCompleted)
            {
                string text = Encoding.UTF8.GetString(read.Buffer);
                body.AdvanceTo(read.Buffer.End);
                return text;
            }

            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private static TRequest Parse<TRequest>(string json)
        where TRequest : IMessage, new()
    {
        try
        {
            // What it throws for bad JSON and for bad content is an IOException, too.
            return Parser.Parse<TRequest>(json);
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, e.Message, e);
        }
    }

    private static async Task WriteErrorAsync(HttpContext context, GrpcException e)
    {
        if (context.Response.HasStarted)
        {
            await context.Response.WriteAsync($$"""{"error":{{ErrorJson(e)}}}""" + "\n", CancellationToken.None);
            return;
        }

        await HttpFace.WriteAsync(context, HttpStatus(e.Code), ContentType, ErrorJson(e));
    }

    /// <summary>Both what etcd 3.5 sends (error) and what 3.6 does (message, details).</summary>
    private static string ErrorJson(GrpcException e)
    {
        string text = JsonEncodedText.Encode(e.Message).ToString();
        return $$"""{"error":"{{text}}","code":{{(int)e.Code}},"message":"{{text}}","details":[]}""";
    }

    /// <summary>grpc-gateway's table.</summary>
    private static int HttpStatus(GrpcStatusCode code) => code switch
    {
        GrpcStatusCode.Ok => StatusCodes.Status200OK,
        GrpcStatusCode.Canceled => StatusCodes.Status408RequestTimeout,
        GrpcStatusCode.InvalidArgument or GrpcStatusCode.OutOfRange or GrpcStatusCode.FailedPrecondition => StatusCodes.Status400BadRequest,
        GrpcStatusCode.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
        GrpcStatusCode.NotFound => StatusCodes.Status404NotFound,
        GrpcStatusCode.AlreadyExists or GrpcStatusCode.Aborted => StatusCodes.Status409Conflict,
        GrpcStatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
        GrpcStatusCode.ResourceExhausted => StatusCodes.Status429TooManyRequests,
        GrpcStatusCode.Unimplemented => StatusCodes.Status501NotImplemented,
        GrpcStatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
        GrpcStatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>A stream over HTTP: JSON values in, lines of <c>{"result":…}</c> out.</summary>
    private sealed class JsonLines : IWatchTransport, IAsyncDisposable
    {
        private readonly HttpContext _context;
        private readonly CancellationTokenSource _reading;
        private readonly IAsyncEnumerator<JsonElement> _requests;

        public JsonLines(HttpContext context)
        {
            _context = context;
            _reading = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
            _requests = JsonSerializer
                .DeserializeAsyncEnumerable<JsonElement>(context.Request.Body, topLevelValues: true, cancellationToken: _reading.Token)
                .GetAsyncEnumerator(_reading.Token);
        }

        public CancellationToken Cancellation => _context.RequestAborted;

        public ValueTask<WatchRequest?> ReadAsync(CancellationToken cancellation) => ReadAsync<WatchRequest>(cancellation);

        public async ValueTask<TRequest?> ReadAsync<TRequest>(CancellationToken cancellation)
            where TRequest : class, IMessage, new()
        {
            // The enumerator has one token for its life; a read that is given up ends it, as does every end of a stream.
            await using CancellationTokenRegistration givenUp = cancellation.Register(_reading.Cancel);
            try
            {
                return await _requests.MoveNextAsync() ? Parse<TRequest>(_requests.Current.GetRawText()) : null;
            }
            catch (JsonException e)
            {
                throw new GrpcException(GrpcStatusCode.InvalidArgument, e.Message, e);
            }
        }

        public void Write(WatchResponse response) => Write((IMessage)response);

        public void Write(IMessage response)
        {
            PipeWriter output = _context.Response.BodyWriter;
            _ = Encoding.UTF8.GetBytes($$"""{"result":{{Formatter.Format(response)}}}""" + "\n", output);
        }

        public async ValueTask FlushAsync(CancellationToken cancellation) =>
            await _context.Response.BodyWriter.FlushAsync(cancellation);

        public async ValueTask DisposeAsync()
        {
            await _requests.DisposeAsync();
            _reading.Dispose();
        }
    }
}
