using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Discovery.Catalog;

namespace Discovery.Sidecar.Checks;

/// <summary>
/// One HTTP/1.1 request on a connection of its own: a check that reuses one would not see that no new ones are accepted.
/// 2xx and 3xx pass, 429 is a warning (Consul's rule), everything else is critical. Redirects are not followed: they may
/// lead to somebody else.
/// </summary>
internal sealed class HttpProbe : IDisposable
{
    private readonly HttpMessageInvoker _trusting = new(NewHandler(verifies: false));
    private readonly HttpMessageInvoker _verifying = new(NewHandler(verifies: true));

    /// <summary>
    /// Takes any certificate, unless <c>discovery.check.tls-verify</c> asks for more: the address is the container's, as
    /// the engine says, nothing secret is sent, and what is asked is whether it is well, not who it is.
    /// </summary>
#pragma warning disable CA5359 // On purpose, for the reason above.
    public static RemoteCertificateValidationCallback AnyCertificate { get; } = static (_, _, _, _) => true;
#pragma warning restore CA5359

    /// <summary>Asks once.</summary>
    public async Task<CheckResult> AskAsync(CheckSpec spec, CancellationToken cancellation)
    {
        CheckTarget target = spec.Target!;
        var url = new Uri($"{(spec.Type == CheckType.Https ? "https" : "http")}://{target.Endpoint}{spec.Path}");
        using var request = new HttpRequestMessage(new HttpMethod(spec.Method), url)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.ConnectionClose = true;
        request.Headers.Host = spec.TlsName;
        request.Headers.TryAddWithoutValidation("User-Agent", "discovery-check");
        try
        {
            using HttpResponseMessage response = await (spec.TlsName is null ? _trusting : _verifying).SendAsync(request, cancellation);
            return await JudgeAsync(response, cancellation);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or AuthenticationException)
        {
            return CheckResult.Critical($"{target}: {(e.InnerException ?? e).Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _trusting.Dispose();
        _verifying.Dispose();
    }

    private static async Task<CheckResult> JudgeAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        int code = (int)response.StatusCode;
        string line = $"HTTP {code} {response.ReasonPhrase}".TrimEnd();
        string body;
        try
        {
            body = CheckResult.Clean(await ReadAsync(response, cancellation), CheckLimits.Output - line.Length - 1);
        }
        catch (OperationCanceledException)
        {
            // Not the whole of it, not even its first 4 KiB: whoever wants the page would wait as long.
            return CheckResult.Critical($"{line}, but the rest of the answer did not come in time");
        }

        Health status = code switch
        {
            >= 200 and < 400 => Health.Passing,
            (int)HttpStatusCode.TooManyRequests => Health.Warning,
            _ => Health.Critical,
        };
        string said = CheckResult.FirstLine(body);
        string summary = status == Health.Passing
            ? code >= 300 ? $"{line} (not followed)" : line
            : said.Length == 0 ? line : $"{line}: {said}";
        return new(status, summary, body.Length == 0 ? line : $"{line}\n{body}");
    }

    /// <summary>The body's beginning; the connection is closed over the rest.</summary>
    private static async Task<string> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(CheckLimits.Output);
        try
        {
            await using Stream stream = await response.Content.ReadAsStreamAsync(cancellation);
            int count = await stream.ReadAtLeastAsync(
                buffer.AsMemory(0, CheckLimits.Output), CheckLimits.Output, throwOnEndOfStream: false, cancellation);
            return Encoding.UTF8.GetString(buffer, 0, count);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static SocketsHttpHandler NewHandler(bool verifies)
    {
        var handler = new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.Zero,
            MaxResponseHeadersLength = CheckLimits.HeaderKilobytes,
            MaxResponseDrainSize = 0,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
        };
        if (!verifies)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = AnyCertificate;
        }

        return handler;
    }
}
