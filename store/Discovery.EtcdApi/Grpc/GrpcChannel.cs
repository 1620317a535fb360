using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace Discovery.EtcdApi.Grpc;

/// <summary>
/// Calls one gRPC server over HTTP/2, cleartext (prior knowledge) for <c>http</c> addresses, TLS for <c>https</c>.
/// Thread-safe; calls share the connection.
/// </summary>
public sealed class GrpcChannel : IDisposable
{
    /// <summary>Largest answer taken: etcd's clients take 2 GiB; a catalog of 10,000 instances is below 16 MiB.</summary>
    private const int MaxResponseBytes = 256 * 1024 * 1024;

    private readonly HttpMessageInvoker _http;
    private readonly int _maxResponseBytes;
    private readonly Uri _address;

    /// <param name="address">Scheme, host and port.</param>
    /// <param name="tls">Trust and client certificate for <c>https</c>; null for the system's defaults.</param>
    /// <param name="maxResponseBytes">Largest answer taken; smaller for peers that are not trusted.</param>
    public GrpcChannel(Uri address, SslClientAuthenticationOptions? tls = null, int maxResponseBytes = MaxResponseBytes)
    {
        (_address, _maxResponseBytes) = (address, maxResponseBytes);
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = TimeSpan.FromSeconds(2),
            // A peer that vanishes without a word is noticed within 10 + 5 s even on an idle watch.
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            EnableMultipleHttp2Connections = true,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
        };
        if (tls is not null)
        {
            handler.SslOptions = tls;
        }

        _http = new(handler);
    }

    /// <summary>Whom this channel calls.</summary>
    public Uri Address => _address;

    /// <summary>One request, one answer.</summary>
    /// <param name="path"><c>/package.Service/Method</c>.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="parser">Reads the answer.</param>
    /// <param name="token">etcd's auth token, or null.</param>
    /// <param name="timeout">The deadline, told to the server too.</param>
    /// <param name="cancellation">Gives the call up.</param>
    /// <exception cref="GrpcException">Any status but OK; connection failures and deadlines included.</exception>
    public async Task<TResponse> UnaryAsync<TResponse>(
        string path,
        IMessage request,
        MessageParser<TResponse> parser,
        string? token,
        TimeSpan timeout,
        CancellationToken cancellation)
        where TResponse : class, IMessage<TResponse>
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(timeout);
        var body = new ArrayBufferWriter<byte>(GrpcFraming.HeaderBytes + request.CalculateSize());
        GrpcFraming.Write(body, request);
        using HttpRequestMessage message = NewRequest(path, new ReadOnlyMemoryContent(body.WrittenMemory), token);
        message.Headers.Add("grpc-timeout", GrpcFraming.FormatTimeout(timeout));
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(message, deadline.Token);
            CheckHeaders(response);
            await using Stream stream = await response.Content.ReadAsStreamAsync(deadline.Token);
            TResponse? answer = null;
            await foreach (TResponse one in ReadMessagesAsync(stream, parser, Encoding(response), deadline.Token))
            {
                answer = one;
            }

            CheckStatus(response.TrailingHeaders, required: true);
            return answer ?? throw new GrpcException(GrpcStatusCode.Internal, $"{path}: the answer has no message");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new GrpcException(GrpcStatusCode.DeadlineExceeded, $"{_address.Authority} did not answer within {timeout.TotalSeconds:0.#} s");
        }
        catch (Exception e) when (IsConnectionFailure(e))
        {
            throw Unreachable(e);
        }
    }

    /// <summary>
    /// A stream of answers to a stream of requests; requests are written as they come, answers are read until the
    /// server ends the call or the enumeration is left.
    /// </summary>
    /// <exception cref="GrpcException">Any status but OK; connection failures included.</exception>
    public async IAsyncEnumerable<TResponse> StreamAsync<TResponse>(
        string path,
        IAsyncEnumerable<IMessage> requests,
        MessageParser<TResponse> parser,
        string? token,
        [EnumeratorCancellation] CancellationToken cancellation)
        where TResponse : class, IMessage<TResponse>
    {
        using var call = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using HttpRequestMessage message = NewRequest(path, new MessageStreamContent(requests, call.Token), token);
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(message, call.Token);
        }
        catch (Exception e) when (IsConnectionFailure(e))
        {
            throw Unreachable(e);
        }

        using (response)
        {
            CheckHeaders(response);
            await using Stream stream = await response.Content.ReadAsStreamAsync(call.Token);
            await using var messages = ReadMessagesAsync(stream, parser, Encoding(response), call.Token).GetAsyncEnumerator(call.Token);
            try
            {
                while (true)
                {
                    try
                    {
                        if (!await messages.MoveNextAsync())
                        {
                            break;
                        }
                    }
                    catch (Exception e) when (IsConnectionFailure(e))
                    {
                        throw Unreachable(e);
                    }

                    yield return messages.Current;
                }
            }
            finally
            {
                // Ends the request side too, which else waits for ever for a next message to send.
                await call.CancelAsync();
            }

            CheckStatus(response.TrailingHeaders, required: true);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string? Encoding(HttpResponseMessage response) =>
        response.Headers.TryGetValues("grpc-encoding", out var values) ? values.FirstOrDefault() : null;

    private async IAsyncEnumerable<T> ReadMessagesAsync<T>(
        Stream stream,
        MessageParser<T> parser,
        string? encoding,
        [EnumeratorCancellation] CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        // One rented buffer per call: a PipeReader over the stream costs 24 to 37 KB each.
        byte[] buffer = ArrayPool<byte>.Shared.Rent(4 * 1024);
        int filled = 0;
        try
        {
            while (true)
            {
                int read = await stream.ReadAsync(buffer.AsMemory(filled), cancellation);
                if (read == 0)
                {
                    if (filled > 0)
                    {
                        throw new IOException("the answer ended inside a message");
                    }

                    yield break;
                }

                filled += read;
                int start = 0;
                while (TakeMessage(buffer, ref start, filled, encoding, parser) is { } message)
                {
                    yield return message;
                }

                filled -= start;
                Array.Copy(buffer, start, buffer, 0, filled);
                if (filled == buffer.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
                    Array.Copy(buffer, larger, filled);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private T? TakeMessage<T>(byte[] buffer, ref int start, int filled, string? encoding, MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        var rest = new ReadOnlySequence<byte>(buffer, start, filled - start);
        if (!GrpcFraming.TryRead(ref rest, _maxResponseBytes, encoding, out ReadOnlySequence<byte> bytes))
        {
            return null;
        }

        start = filled - (int)rest.Length;
        return parser.ParseFrom(bytes);
    }

    private static void CheckHeaders(HttpResponseMessage response)
    {
        CheckStatus(response.Headers, required: false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new GrpcException(
                response.StatusCode is HttpStatusCode.Unauthorized ? GrpcStatusCode.Unauthenticated : GrpcStatusCode.Unavailable,
                $"the server answered HTTP {(int)response.StatusCode}, not gRPC");
        }
    }

    private static void CheckStatus(HttpResponseHeaders headers, bool required)
    {
        string? status = headers.TryGetValues("grpc-status", out var values) ? values.FirstOrDefault() : null;
        if (status is null)
        {
            if (required)
            {
                throw new GrpcException(GrpcStatusCode.Unavailable, "the call ended without a status");
            }

            return;
        }

        if (status == "0")
        {
            return;
        }

        string text = headers.TryGetValues("grpc-message", out var texts) ? texts.FirstOrDefault() ?? "" : "";
        throw new GrpcException(
            int.TryParse(status, CultureInfo.InvariantCulture, out int code) ? (GrpcStatusCode)code : GrpcStatusCode.Unknown,
            Uri.UnescapeDataString(text));
    }

    private HttpRequestMessage NewRequest(string path, HttpContent content, string? token)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, new Uri(_address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        content.Headers.ContentType = new(GrpcFraming.ContentType);
        message.Headers.TryAddWithoutValidation("te", "trailers");
        if (token is not null)
        {
            message.Headers.TryAddWithoutValidation("token", token);
        }

        return message;
    }

    /// <summary>A connection that is reset while it is made may also end in a bare <see cref="SocketException"/>.</summary>
    private static bool IsConnectionFailure(Exception e) => e is HttpRequestException or IOException or SocketException;

    private GrpcException Unreachable(Exception e)
    {
        bool neverSent = e is HttpRequestException
        {
            HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                or HttpRequestError.SecureConnectionError,
        };
        return new(GrpcStatusCode.Unavailable, $"{_address.Authority}: {(e.InnerException ?? e).Message}", e) { NeverSent = neverSent };
    }

    /// <summary>A request body that stays open and sends each message as it comes.</summary>
    private sealed class MessageStreamContent(IAsyncEnumerable<IMessage> messages, CancellationToken call) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, call);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellation)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, call);
            var body = new ArrayBufferWriter<byte>();
            await foreach (IMessage message in messages.WithCancellation(either.Token))
            {
                body.ResetWrittenCount();
                GrpcFraming.Write(body, message);
                await stream.WriteAsync(body.WrittenMemory, either.Token);
                await stream.FlushAsync(either.Token);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
