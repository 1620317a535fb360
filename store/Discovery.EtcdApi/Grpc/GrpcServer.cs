using System.Collections.Frozen;
using System.Globalization;
using System.IO.Pipelines;
using Google.Protobuf;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Discovery.EtcdApi.Grpc;

/// <summary>
/// Serves gRPC methods on Kestrel's HTTP/2. Register the methods, then call <see cref="TryInvoke"/> for each request;
/// a request that is not gRPC is left to the caller.
/// </summary>
/// <remarks>Register everything before the first request: the table is read without a lock.</remarks>
public sealed partial class GrpcServer(int maxRequestBytes, ILogger<GrpcServer> logger)
{
    private readonly Dictionary<string, Func<GrpcCall, Task>> _registered = new(StringComparer.Ordinal);
    private FrozenDictionary<string, Func<GrpcCall, Task>>? _methods;

    /// <summary>A method with one request and one answer. <paramref name="path"/> is <c>/package.Service/Method</c>.</summary>
    public void MapUnary<TRequest, TResponse>(
        string path,
        MessageParser<TRequest> parser,
        Func<TRequest, GrpcCall, ValueTask<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        _registered[path] = async call =>
        {
            TRequest request = await call.ReadOnlyAsync(parser);
            TResponse response = await handler(request, call);
            call.Write(response);
        };

    /// <summary>A method whose both sides may stream. The call ends with status OK when the handler returns.</summary>
    public void MapStreaming(string path, Func<GrpcCall, Task> handler) => _registered[path] = handler;

    /// <summary>Serves the request if it is gRPC; null when it is not.</summary>
    public Task? TryInvoke(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Request.ContentType is { } type && type.StartsWith(GrpcFraming.ContentType, StringComparison.Ordinal)
            ? InvokeAsync(context)
            : null;
    }

    private async Task InvokeAsync(HttpContext context)
    {
        context.Response.ContentType = GrpcFraming.ContentType;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            // Streams have no end; the limit that counts is the one per message.
            size.MaxRequestBodySize = null;
        }

        _methods ??= _registered.ToFrozenDictionary(StringComparer.Ordinal);
        string path = context.Request.Path.Value ?? "";
        if (!_methods.TryGetValue(path, out Func<GrpcCall, Task>? handler))
        {
            Finish(context, GrpcStatusCode.Unimplemented, Unknown(path));
            return;
        }

        TimeSpan? timeout = GrpcFraming.ParseTimeout(context.Request.Headers["grpc-timeout"]);
        using CancellationTokenSource? deadline = timeout is null
            ? null
            : CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline?.CancelAfter(timeout!.Value);
        var call = new GrpcCall(context, maxRequestBytes, deadline?.Token ?? context.RequestAborted);
        try
        {
            await handler(call);
            Finish(context, GrpcStatusCode.Ok, "");
        }
        catch (GrpcException e)
        {
            Finish(context, e.Code, e.Message);
        }
        catch (Exception e) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client left; nobody reads an answer.
            LogClientLeft(path, e.Message);
        }
        catch (OperationCanceledException)
        {
            Finish(context, GrpcStatusCode.DeadlineExceeded, "context deadline exceeded");
        }
        catch (Exception e) when (e is InvalidProtocolBufferException or BadHttpRequestException)
        {
            Finish(context, GrpcStatusCode.Internal, $"grpc: failed to read the request: {e.Message}");
        }
        catch (Exception e) when (e is IOException or ConnectionAbortedException)
        {
            LogClientLeft(path, e.Message);
        }
        catch (Exception e)
        {
            LogFailed(path, e);
            Finish(context, GrpcStatusCode.Unknown, e.Message);
        }
    }

    /// <summary>What grpc-go, and so etcd, says of a path that nobody serves.</summary>
    private string Unknown(string path)
    {
        int split = path.LastIndexOf('/');
        if (split <= 0)
        {
            return $"malformed method name: \"{path}\"";
        }

        string service = path[1..split];
        return _registered.Keys.Any(known => known.StartsWith($"/{service}/", StringComparison.Ordinal))
            ? $"unknown method {path[(split + 1)..]} for service {service}"
            : $"unknown service {service}";
    }

    private static void Finish(HttpContext context, GrpcStatusCode code, string message)
    {
        string status = ((int)code).ToString(CultureInfo.InvariantCulture);
        if (!context.Response.HasStarted && code != GrpcStatusCode.Ok)
        {
            // "Trailers-only": an error before any message travels in the headers.
            context.Response.Headers["grpc-status"] = status;
            context.Response.Headers["grpc-message"] = GrpcFraming.EncodeMessage(message);
            return;
        }

        context.Response.AppendTrailer("grpc-status", status);
        if (message.Length > 0)
        {
            context.Response.AppendTrailer("grpc-message", GrpcFraming.EncodeMessage(message));
        }
    }

    [LoggerMessage(1001, LogLevel.Debug, "{Method}: the client left: {Reason}")]
    private partial void LogClientLeft(string method, string reason);

    [LoggerMessage(1002, LogLevel.Error, "{Method} failed")]
    private partial void LogFailed(string method, Exception e);
}

/// <summary>One gRPC call as a handler sees it: messages in, messages out, metadata, deadline.</summary>
public sealed class GrpcCall
{
    private readonly HttpContext _context;
    private readonly int _maxRequestBytes;
    private readonly PipeReader _input;

    internal GrpcCall(HttpContext context, int maxRequestBytes, CancellationToken cancellation)
    {
        _context = context;
        _maxRequestBytes = maxRequestBytes;
        _input = context.Request.BodyReader;
        Cancellation = cancellation;
    }

    /// <summary>Ends at the caller's deadline and when the caller leaves.</summary>
    public CancellationToken Cancellation { get; }

    /// <summary>The caller's metadata of this name; null when absent.</summary>
    public string? Metadata(string name) => _context.Request.Headers.TryGetValue(name, out var values) ? values[0] : null;

    /// <summary>The next message of a streaming call; null when the caller has finished sending. One reader at a time.</summary>
    public ValueTask<T?> ReadAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T> => ReadAsync(parser, Cancellation);

    /// <summary>The same, for a handler that may end before the call does.</summary>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        string? encoding = Metadata("grpc-encoding");
        while (true)
        {
            ReadResult read = await _input.ReadAsync(cancellation);
            var buffer = read.Buffer;
            bool whole = GrpcFraming.TryRead(ref buffer, _maxRequestBytes, encoding, out var bytes);
            T? message = whole ? parser.ParseFrom(bytes) : null;
            if (message is not null)
            {
                _input.AdvanceTo(buffer.Start);
                return message;
            }

            _input.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted)
            {
                return buffer.IsEmpty
                    ? null
                    : throw new GrpcException(GrpcStatusCode.Internal, "grpc: the request ended inside a message");
            }
        }
    }

    /// <summary>Writes a message; it leaves with the next <see cref="FlushAsync()"/> or at the end of the call. One writer at a time.</summary>
    public void Write(IMessage message) => GrpcFraming.Write(_context.Response.BodyWriter, message);

    /// <summary>Sends what was written; waits while the caller reads slower than we write.</summary>
    public ValueTask FlushAsync() => FlushAsync(Cancellation);

    /// <summary>The same, for a handler that may end before the call does.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellation) =>
        await _context.Response.BodyWriter.FlushAsync(cancellation);

    /// <summary>Sends the response headers before any message, as clients of streams expect.</summary>
    public Task StartAsync() => _context.Response.StartAsync(Cancellation);

    /// <summary>The one request of a unary call, read to the end: an answer before that would reset the stream.</summary>
    internal async ValueTask<T> ReadOnlyAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        T request = await ReadAsync(parser)
            ?? throw new GrpcException(GrpcStatusCode.Internal, "grpc: the request has no message");
        while (true)
        {
            ReadResult rest = await _input.ReadAsync(Cancellation);
            bool extra = !rest.Buffer.IsEmpty;
            _input.AdvanceTo(rest.Buffer.End);
            if (extra)
            {
                throw new GrpcException(GrpcStatusCode.Internal, "grpc: more than one message in a unary request");
            }

            if (rest.IsCompleted)
            {
                return request;
            }
        }
    }
}
