using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Discovery.Sidecar.Mirrors;

/// <summary>What an HTTP backend answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The whole body.</param>
/// <param name="Headers">The headers.</param>
internal sealed record HttpAnswer(int Status, string Body, HttpResponseHeaders Headers)
{
    /// <summary>Whether it did what was asked.</summary>
    public bool IsSuccess => Status is >= 200 and < 300;
}

/// <summary>
/// One pooled client of one HTTP backend. The server that answered last is asked first; one that cannot be reached is passed over
/// by the next call.
/// </summary>
internal sealed class MirrorHttp : IDisposable
{
    private readonly HttpClient _http;
    private readonly ImmutableArray<Uri> _servers;
    private int _preferred;

    /// <summary>A client of the URI's servers; nothing is sent yet.</summary>
    /// <exception cref="FormatException">A certificate cannot be read; one line.</exception>
    public MirrorHttp(MirrorUri uri)
    {
        string scheme = uri.IsTls ? "https" : "http";
        _servers = uri.Socket is null ? [.. uri.Hosts.Select(host => new Uri($"{scheme}://{host}"))] : [new("http://localhost")];
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = MirrorLimits.Connect,
            PooledConnectionLifetime = MirrorLimits.ConnectionLife,
            UseProxy = false,
            AllowAutoRedirect = false,
        };
        if (TlsOptions(uri) is { } tls)
        {
            handler.SslOptions = tls;
        }

        if (uri.Socket is { } path)
        {
            handler.ConnectCallback = (_, cancellation) => ConnectAsync(path, cancellation);
        }

        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = MirrorLimits.Answer };
        if (uri.User is { Length: > 0 } user)
        {
            _http.DefaultRequestHeaders.Authorization =
                new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{uri.Password}")));
        }

        if (uri.Token is { } token)
        {
            _http.DefaultRequestHeaders.Add("X-Consul-Token", token);
        }
    }

    /// <summary>One key as a part of a URL: everything escaped but the slashes.</summary>
    public static string Escape(string key) => string.Join('/', key.Split('/').Select(Uri.EscapeDataString));

    /// <summary>TLS as the URI wants it; null for cleartext.</summary>
    /// <exception cref="FormatException">A file cannot be read; one line.</exception>
    public static SslClientAuthenticationOptions? TlsOptions(MirrorUri uri)
    {
        if (!uri.IsTls)
        {
            return null;
        }

        var options = new SslClientAuthenticationOptions();
        try
        {
            if (uri.CertFile is not null)
            {
                options.ClientCertificates = [X509Certificate2.CreateFromPemFile(uri.CertFile, uri.KeyFile)];
            }

            if (uri.CaFile is not null)
            {
                var roots = new X509Certificate2Collection();
                roots.ImportFromPemFile(uri.CaFile);
                options.CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
                options.CertificateChainPolicy.CustomTrustStore.AddRange(roots);
            }
        }
        catch (Exception e) when (e is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new FormatException($"{uri}: its certificates ({uri.CaFile}, {uri.CertFile}, {uri.KeyFile}) cannot be read: {e.Message}", e);
        }

        return options;
    }

    /// <summary>One call, whatever is answered.</summary>
    /// <exception cref="MirrorException">Nothing was answered, or 5xx, 408 or 429: the backend is away.</exception>
    public async Task<HttpAnswer> SendAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        Uri server = _servers[_preferred];
        using var request = new HttpRequestMessage(method, new Uri(server, path)) { Content = content };
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, cancellation);
            var answer = new HttpAnswer((int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellation), response.Headers);
            return answer.Status is >= 500 or 408 or 429 ? throw Away(server, Text(method, path, answer), null) : answer;
        }
        catch (HttpRequestException e)
        {
            throw Away(server, (e.InnerException ?? e).Message, e);
        }
        catch (IOException e)
        {
            throw Away(server, e.Message, e);
        }
        catch (OperationCanceledException)
        {
            PassOver();
            throw;
        }
    }

    /// <summary>One call that must succeed.</summary>
    /// <exception cref="MirrorException">It did not.</exception>
    public async Task<HttpAnswer> DemandAsync(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        HttpAnswer answer = await SendAsync(method, path, content, cancellation);
        return answer.IsSuccess ? answer : throw Refused(method, path, answer);
    }

    /// <summary>What an unwanted answer becomes.</summary>
    public MirrorException Refused(HttpMethod method, string path, HttpAnswer answer) =>
        new($"{_servers[_preferred].Authority} {Text(method, path, answer)}", isRefusal: true);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string Text(HttpMethod method, string path, HttpAnswer answer)
    {
        string words = answer.Body.ReplaceLineEndings(" ").Trim();
        words = words.Length > MirrorLimits.ErrorText ? words[..MirrorLimits.ErrorText] + "…" : words;
        return $"answered {answer.Status} to {method} {path}{(words.Length == 0 ? "" : $": {words}")}";
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private MirrorException Away(Uri server, string problem, Exception? inner)
    {
        PassOver();
        return new($"{server.Authority}: {problem}", inner: inner);
    }

    private void PassOver() => _preferred = (_preferred + 1) % _servers.Length;
}
