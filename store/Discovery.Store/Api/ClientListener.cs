using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Discovery.Store.Api;

/// <summary>
/// The client URLs: a bare Kestrel without host, routing or middleware, for every one of those costs a share of each
/// put. HTTP/1.1 and HTTP/2 without TLS share each port, as etcd's do.
/// </summary>
internal sealed class ClientListener : IAsyncDisposable
{
    /// <summary>Streams of one connection at a time. etcd allows all that fit in 32 bits; a dashboard holds a few.</summary>
    private const int StreamsPerConnection = 100_000;

    /// <summary>Bytes a client may send unread, on one stream and on one connection. A put of the largest size fits.</summary>
    private const int StreamWindowBytes = 2 * 1024 * 1024;

    private const int ConnectionWindowBytes = 8 * 1024 * 1024;

    /// <summary>How long a client may be connected without saying what it speaks; Kestrel has limits for what follows.</summary>
    private static readonly TimeSpan FirstByteTime = TimeSpan.FromSeconds(30);

    private readonly KestrelServer _server;
    private readonly List<ListenOptions> _endpoints;

    private ClientListener(KestrelServer server, List<ListenOptions> endpoints)
    {
        _server = server;
        _endpoints = endpoints;
    }

    /// <summary>Where clients are served, with the ports that port 0 became.</summary>
    public IReadOnlyList<Uri> Urls =>
        [.. _endpoints.Select(static endpoint => new Uri($"http://{endpoint.IPEndPoint}"))];

    /// <summary>Binds every URL or none.</summary>
    /// <exception cref="StoreStartException">A URL cannot be listened on.</exception>
    public static async Task<ClientListener> StartAsync(
        IReadOnlyList<string> urls,
        RequestDelegate serve,
        ILoggerFactory logs,
        CancellationToken cancellation)
    {
        var options = new KestrelServerOptions
        {
            AddServerHeader = false,
            AllowSynchronousIO = false,
            // Without TLS a client says "http", on connections that we call HTTP/2.
            AllowAlternateSchemes = true,
        };
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.MaxRequestBodySize = null;
        options.Limits.Http2.MaxStreamsPerConnection = StreamsPerConnection;
        options.Limits.Http2.InitialStreamWindowSize = StreamWindowBytes;
        options.Limits.Http2.InitialConnectionWindowSize = ConnectionWindowBytes;
        var endpoints = new List<ListenOptions>();
        foreach (string url in urls)
        {
            Listen(options, new Uri(url), endpoints);
        }

        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions { NoDelay = true }), logs);
        var server = new KestrelServer(Options.Create(options), transport, logs);
        try
        {
            await server.StartAsync(new Application(serve), cancellation);
            return new(server, endpoints);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            server.Dispose();
            throw Explain(urls, e);
        }
    }

    /// <summary>Takes no new requests and waits for those under way, at most until the token says so.</summary>
    public Task StopAsync(CancellationToken cancellation) => _server.StopAsync(cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
    }

    private static void Listen(KestrelServerOptions options, Uri url, List<ListenOptions> endpoints)
    {
        IPAddress address = StoreOptions.ListenAddress(url)
            ?? throw new StoreStartException($"cannot listen on {url.Authority}: wanted an IP address or localhost");
        options.Listen(address, url.Port, endpoint =>
        {
            endpoint.Protocols = HttpProtocols.Http1AndHttp2;
            endpoint.Use(next => connection => ChooseProtocolAsync(connection, next));
            endpoints.Add(endpoint);
        });
    }

    /// <summary>
    /// Looks at the first bytes of a connection. Kestrel chooses HTTP/2 only by what TLS negotiated, so for a client
    /// that begins with HTTP/2's preface we say that TLS negotiated it.
    /// </summary>
    private static async Task ChooseProtocolAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (await BeginsHttp2Async(connection) is not { } isHttp2)
        {
            return;
        }

        if (isHttp2)
        {
            connection.Features.Set<ITlsConnectionFeature>(new NoTls());
            connection.Features.Set<ITlsApplicationProtocolFeature>(new NegotiatedHttp2());
            connection.Transport = new MendedTransport(new AuthorityReader(connection.Transport.Input), connection.Transport.Output);
        }

        await next(connection);
    }

    /// <summary>Whether the client speaks HTTP/2; null when it left, or said nothing for too long.</summary>
    private static async Task<bool?> BeginsHttp2Async(ConnectionContext connection)
    {
        PipeReader input = connection.Transport.Input;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        patience.CancelAfter(FirstByteTime);
        try
        {
            while (true)
            {
                ReadResult read = await input.ReadAsync(patience.Token);
                bool? isHttp2 = BeginsHttp2(read.Buffer);
                bool more = isHttp2 is null && !read.IsCompleted;
                // Nothing is consumed. Only when more is needed is it "examined", or the next read would not return.
                input.AdvanceTo(read.Buffer.Start, more ? read.Buffer.End : read.Buffer.Start);
                if (!more)
                {
                    return read.Buffer.IsEmpty ? null : isHttp2 ?? false;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null;
        }
    }

    /// <summary>Null while the bytes do not tell.</summary>
    private static bool? BeginsHttp2(ReadOnlySequence<byte> buffer)
    {
        ReadOnlySpan<byte> preface = "PRI * HTTP/2.0"u8;
        Span<byte> start = stackalloc byte[preface.Length];
        int length = (int)Math.Min(buffer.Length, preface.Length);
        buffer.Slice(0, length).CopyTo(start);
        return !start[..length].SequenceEqual(preface[..length]) ? false
            : length == preface.Length ? true
            : null;
    }

    private static StoreStartException Explain(IReadOnlyList<string> urls, Exception e)
    {
        // Kestrel's message names the URL; the socket's says why.
        string[] all = [.. urls.Select(static url => new Uri(url).Authority)];
        string where = all.FirstOrDefault(authority => e.Message.Contains(authority, StringComparison.Ordinal))
            ?? string.Join(", ", all);
        return e is AddressInUseException || e.InnerException is AddressInUseException
            ? new($"cannot listen on {where}: address already in use; another store? choose another --listen-client-urls", e)
            : new(string.Create(CultureInfo.InvariantCulture, $"cannot listen on {where}: {(e.InnerException ?? e).Message}; check --listen-client-urls"), e);
    }

    /// <summary>What Kestrel calls for each request.</summary>
    private sealed class Application(RequestDelegate serve) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => serve(context);

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }
    }

    private sealed record MendedTransport(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class NegotiatedHttp2 : ITlsApplicationProtocolFeature
    {
        public ReadOnlyMemory<byte> ApplicationProtocol { get; } = SslApplicationProtocol.Http2.Protocol;
    }

    private sealed class NoTls : ITlsConnectionFeature
    {
        public X509Certificate2? ClientCertificate { get; set; }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) =>
            Task.FromResult(ClientCertificate);
    }
}
