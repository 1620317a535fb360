using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Discovery.Proxy;

/// <summary>
/// Kestrel, and one handler for all that it receives: no host, pipeline or endpoint table between them. The proxy's and
/// the admin listener are two of these, so that no header can lead from one to the other.
/// </summary>
internal sealed class Listener : IAsyncDisposable
{
    private readonly KestrelServer _server;

    private Listener(KestrelServer server) => _server = server;

    /// <summary>Where it listens, with the ports that were chosen.</summary>
    public IReadOnlyList<Uri> Urls { get; private set; } = [];

    /// <summary>Starts to listen.</summary>
    /// <param name="flag">What the user sets the addresses with, for messages.</param>
    /// <param name="addresses">Where to listen; cleartext HTTP/1.1.</param>
    /// <param name="handler">Answers each request.</param>
    /// <param name="services">Kestrel's logging.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ListenException">One line: which address, what is wrong, which flag.</exception>
    public static async Task<Listener> StartAsync(
        string flag, IReadOnlyList<BindingAddress> addresses, RequestDelegate handler, IServiceProvider services, CancellationToken cancellation)
    {
        var options = new KestrelServerOptions
        {
            ApplicationServices = services,
            AddServerHeader = false,

            // Header bytes pass unchanged, whatever their encoding; requests are sent on in the same one.
            RequestHeaderEncodingSelector = static _ => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static _ => Encoding.Latin1,
        };
        options.Limits.MaxConcurrentConnections = Limits.Connections;
        options.Limits.MaxConcurrentUpgradedConnections = Limits.Connections;

        // How large a body may be is the service's business; it is streamed, never held.
        options.Limits.MaxRequestBodySize = null;
        options.ConfigureEndpointDefaults(static endpoint => endpoint.Protocols = HttpProtocols.Http1);
        var loggers = services.GetRequiredService<ILoggerFactory>();
        var server = new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggers), loggers);
        var listening = server.Features.GetRequiredFeature<IServerAddressesFeature>();
        foreach (BindingAddress address in addresses)
        {
            listening.Addresses.Add(address.ToString());
        }

        try
        {
            await server.StartAsync(new Application(handler), cancellation);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidOperationException or UnauthorizedAccessException)
        {
            server.Dispose();
            throw new ListenException(Problem(flag, addresses, e), e);
        }

        return new(server) { Urls = [.. listening.Addresses.Select(static a => new Uri(a.Replace("//*", "//0.0.0.0", StringComparison.Ordinal).Replace("//+", "//0.0.0.0", StringComparison.Ordinal)))] };
    }

    /// <summary>Takes no more connections, lets requests in flight finish, and cuts off what is left after a while.</summary>
    public async Task StopAsync(TimeSpan patience, TimeProvider time)
    {
        using var limit = new CancellationTokenSource(patience, time);
        await _server.StopAsync(limit.Token);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
    }

    private static string Problem(string flag, IReadOnlyList<BindingAddress> addresses, Exception e)
    {
        // Kestrel's text names the address; with one address it is known anyway.
        BindingAddress? which = addresses.Count == 1 ? addresses[0]
            : addresses.FirstOrDefault(a => e.Message.Contains($":{a.Port}", StringComparison.Ordinal));
        string address = which?.ToString() ?? string.Join(',', addresses);
        return e switch
        {
            _ when e is AddressInUseException || e.InnerException is AddressInUseException =>
                $"{flag} {address}: port {which?.Port} is in use; stop what listens there or give {flag} another port",
            SocketException { SocketErrorCode: SocketError.AccessDenied } =>
                $"{flag} {address}: not allowed to listen on port {which?.Port}; ports below 1024 need root or CAP_NET_BIND_SERVICE",
            _ => $"{flag} {address}: {e.Message}",
        };
    }

    /// <summary>Kestrel keeps one context for each connection; it is used again for each of its requests.</summary>
    private sealed class Application(RequestDelegate handler) : IHttpApplication<DefaultHttpContext>
    {
        public DefaultHttpContext CreateContext(IFeatureCollection contextFeatures)
        {
            if (contextFeatures is not IHostContextContainer<DefaultHttpContext> container)
            {
                return new(contextFeatures);
            }

            if (container.HostContext is { } context)
            {
                context.Initialize(contextFeatures);
                return context;
            }

            return container.HostContext = new(contextFeatures);
        }

        public Task ProcessRequestAsync(DefaultHttpContext context) => handler(context);

        public void DisposeContext(DefaultHttpContext context, Exception? exception) => context.Uninitialize();
    }
}

/// <summary>A listener could not be started; the message is one line for the user.</summary>
internal sealed class ListenException(string message, Exception inner) : Exception(message, inner);
