using System.IO.Compression;
using System.Net;
using System.Threading.Channels;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;
using static Discovery.Store.Tests.Api.TestStore;

namespace Discovery.Store.Tests.Grpc;

/// <summary>Our gRPC server and client against each other, and the server against what a client of others may send.</summary>
public sealed class GrpcServerTests : IAsyncLifetime
{
    private const int MaxBytes = 2 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TaskCompletionSource _given = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GrpcHost _host = null!;

    public async Task InitializeAsync() => _host = await GrpcHost.StartAsync(MaxBytes, grpc =>
    {
        grpc.MapUnary("/test.Echo/Same", PutRequest.Parser, (request, _) => new ValueTask<PutRequest>(request));
        grpc.MapUnary("/test.Echo/Token", PutRequest.Parser, (_, call) => new ValueTask<PutRequest>(new PutRequest { Key = Bytes(call.Metadata("token") ?? "none") }));
        grpc.MapUnary<PutRequest, PutRequest>("/test.Echo/Never", PutRequest.Parser, async (_, call) =>
        {
            await using CancellationTokenRegistration gone = call.Cancellation.Register(() => _given.TrySetResult());
            await Task.Delay(Timeout.Infinite, call.Cancellation);
            return new();
        });
        grpc.MapUnary<PutRequest, PutRequest>("/test.Echo/Refuse", PutRequest.Parser, static (request, _) =>
            throw new GrpcException(GrpcStatusCode.FailedPrecondition, request.Key.ToStringUtf8()));
        grpc.MapUnary<PutRequest, PutRequest>("/test.Echo/Bug", PutRequest.Parser, static (_, _) => throw new InvalidOperationException("a bug"));
        grpc.MapStreaming("/test.Echo/Stream", static async call =>
        {
            await call.StartAsync();
            while (await call.ReadAsync(PutRequest.Parser) is { } request)
            {
                call.Write(request);
                await call.FlushAsync();
                if (request.Key.ToStringUtf8() == "fail")
                {
                    throw new GrpcException(GrpcStatusCode.Aborted, "as asked");
                }
            }
        });
    });

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(2_000_000)]
    public async Task A_message_of_any_size_below_the_limit_comes_back_whole(int bytes)
    {
        byte[] value = new byte[bytes];
        new Random(bytes).NextBytes(value);

        PutRequest same = await CallAsync("/test.Echo/Same", new() { Value = ByteString.CopyFrom(value) });

        Assert.Equal(value, same.Value.ToByteArray());
    }

    [Fact]
    public async Task A_message_above_the_limit_is_refused_and_the_connection_lives_on()
    {
        var e = await Assert.ThrowsAsync<GrpcException>(() => CallAsync("/test.Echo/Same", new() { Value = ByteString.CopyFrom(new byte[MaxBytes + 1]) }));

        Assert.Equal(GrpcStatusCode.ResourceExhausted, e.Code);
        Assert.StartsWith("grpc: received message larger than max (", e.Message, StringComparison.Ordinal);
        Assert.Equal("a", (await CallAsync("/test.Echo/Same", new() { Key = Bytes("a") })).Key.ToStringUtf8());
    }

    [Fact]
    public async Task Metadata_arrives()
    {
        Assert.Equal("t0k", (await CallAsync("/test.Echo/Token", new(), token: "t0k")).Key.ToStringUtf8());
        Assert.Equal("none", (await CallAsync("/test.Echo/Token", new())).Key.ToStringUtf8());
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("100 % größer\nthan")]
    public async Task A_status_text_arrives_to_the_letter(string text)
    {
        await FailsAsync(new(GrpcStatusCode.FailedPrecondition, text), () => CallAsync("/test.Echo/Refuse", new() { Key = Bytes(text) }));
    }

    [Fact]
    public async Task A_bug_in_a_handler_is_unknown_and_ends_only_its_call()
    {
        await FailsAsync(new(GrpcStatusCode.Unknown, "a bug"), () => CallAsync("/test.Echo/Bug", new()));
        Assert.Equal("a", (await CallAsync("/test.Echo/Same", new() { Key = Bytes("a") })).Key.ToStringUtf8());
    }

    [Theory]
    [InlineData("/test.Echo/Other", "unknown method Other for service test.Echo")]
    [InlineData("/test.Other/Same", "unknown service test.Other")]
    [InlineData("/nothing", "malformed method name: \"/nothing\"")]
    public async Task What_is_not_mapped_is_unimplemented(string path, string text)
    {
        await FailsAsync(new(GrpcStatusCode.Unimplemented, text), () => CallAsync(path, new()));
    }

    [Fact]
    public async Task A_deadline_ends_the_call_on_both_sides()
    {
        var e = await Assert.ThrowsAsync<GrpcException>(() => _host.Channel.UnaryAsync(
            "/test.Echo/Never", new PutRequest(), PutRequest.Parser, null, TimeSpan.FromMilliseconds(100), CancellationToken.None));

        Assert.Equal(GrpcStatusCode.DeadlineExceeded, e.Code);
        await _given.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task The_server_itself_answers_when_the_deadline_of_another_client_passes()
    {
        using HttpResponseMessage response = await SendAsync("/test.Echo/Never", Frame(new PutRequest(), compressed: false), ("grpc-timeout", "50m"));

        Assert.Equal(("4", "context deadline exceeded"), (Header(response, "grpc-status"), Header(response, "grpc-message")));
    }

    [Fact]
    public async Task A_client_that_gives_up_is_noticed()
    {
        using var gaveUp = new CancellationTokenSource();
        Task call = _host.Channel.UnaryAsync("/test.Echo/Never", new PutRequest(), PutRequest.Parser, null, Patience, gaveUp.Token);
        await _host.Channel.UnaryAsync("/test.Echo/Same", new PutRequest(), PutRequest.Parser, null, Patience, CancellationToken.None);

        await gaveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await _given.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_stream_answers_as_it_is_asked_and_ends_with_its_status()
    {
        var requests = Channel.CreateUnbounded<IMessage>();
        await using var answers = _host.Channel
            .StreamAsync("/test.Echo/Stream", requests.Reader.ReadAllAsync(), PutRequest.Parser, null, CancellationToken.None)
            .GetAsyncEnumerator();
        foreach (string key in (string[])["one", "two", "fail"])
        {
            Assert.True(requests.Writer.TryWrite(new PutRequest { Key = Bytes(key) }));
            Assert.True(await answers.MoveNextAsync().AsTask().WaitAsync(Patience));
            Assert.Equal(key, answers.Current.Key.ToStringUtf8());
        }

        await FailsAsync(new(GrpcStatusCode.Aborted, "as asked"), async () => await answers.MoveNextAsync().AsTask().WaitAsync(Patience));
    }

    [Fact]
    public async Task Gzip_is_read_and_may_not_inflate_beyond_the_limit()
    {
        using HttpResponseMessage good = await SendAsync(
            "/test.Echo/Same", Frame(new PutRequest { Value = ByteString.CopyFrom(new byte[100_000]) }, compressed: true), ("grpc-encoding", "gzip"));
        using HttpResponseMessage bomb = await SendAsync(
            "/test.Echo/Same", Frame(new PutRequest { Value = ByteString.CopyFrom(new byte[MaxBytes * 2]) }, compressed: true), ("grpc-encoding", "gzip"));
        using HttpResponseMessage other = await SendAsync(
            "/test.Echo/Same", Frame(new PutRequest(), compressed: true), ("grpc-encoding", "snappy"));

        byte[] body = await good.Content.ReadAsByteArrayAsync();
        Assert.Equal("0", Header(good, "grpc-status"));
        Assert.True(body.Length > 100_000);
        Assert.Equal("8", Header(bomb, "grpc-status"));
        Assert.Equal("12", Header(other, "grpc-status"));
    }

    [Theory]
    [InlineData(new byte[0], "13")]
    [InlineData(new byte[] { 0, 0, 0 }, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 }, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 255, 255 }, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, "13")]
    [InlineData(new byte[] { 0, 255, 255, 255, 255 }, "8")]
    public async Task Broken_requests_are_refused_and_the_connection_lives_on(byte[] body, string status)
    {
        using HttpResponseMessage broken = await SendAsync("/test.Echo/Same", body);
        using HttpResponseMessage good = await SendAsync("/test.Echo/Same", Frame(new PutRequest(), compressed: false));

        Assert.Equal((status, "0"), (Header(broken, "grpc-status"), Header(good, "grpc-status")));
    }

    private Task<PutRequest> CallAsync(string path, PutRequest request, string? token = null) =>
        _host.Channel.UnaryAsync(path, request, PutRequest.Parser, token, Patience, CancellationToken.None);

    private async Task<HttpResponseMessage> SendAsync(string path, byte[] body, params (string Name, string Value)[] headers)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, new Uri(_host.Channel.Address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        message.Content.Headers.ContentType = new("application/grpc");
        foreach ((string name, string value) in headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        return await _host.Http.SendAsync(message).WaitAsync(Patience);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        (response.Headers.TryGetValues(name, out var values) || response.TrailingHeaders.TryGetValues(name, out values)) ? values.Single() : null;

    private static byte[] Frame(IMessage message, bool compressed)
    {
        byte[] bytes = message.ToByteArray();
        if (compressed)
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
            {
                gzip.Write(bytes);
            }

            bytes = packed.ToArray();
        }

        byte[] length = [(byte)(bytes.Length >> 24), (byte)(bytes.Length >> 16), (byte)(bytes.Length >> 8), (byte)bytes.Length];
        return [compressed ? (byte)1 : (byte)0, .. length, .. bytes];
    }
}
