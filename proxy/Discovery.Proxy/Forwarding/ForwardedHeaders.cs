using System.Globalization;
using System.Net;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Discovery.Proxy.Forwarding;

/// <summary>
/// The headers of a forwarded request: as they came, the host included, without those that concern one hop only, and
/// with who asked, how and for what appended to the <c>X-Forwarded-*</c> lists.
/// </summary>
internal sealed class ForwardedHeaders : HttpTransformer
{
    private const string ForwardedFor = "X-Forwarded-For";
    private const string ForwardedProto = "X-Forwarded-Proto";
    private const string ForwardedHost = "X-Forwarded-Host";

    /// <inheritdoc/>
    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        // Leaves out the hop-by-hop headers of RFC 9110, 7.6.1 that it knows by name.
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);

        HttpRequest request = httpContext.Request;
        proxyRequest.RequestUri = DestinationAddress.Of(request, destinationPrefix);
        proxyRequest.Headers.Remove("HTTP2-Settings");
        RemoveNominated(request.Headers.Connection, proxyRequest);
        Append(proxyRequest, ForwardedFor, request.Headers[ForwardedFor], Address(httpContext.Connection.RemoteIpAddress));
        Append(proxyRequest, ForwardedProto, request.Headers[ForwardedProto], request.Scheme);
        Append(proxyRequest, ForwardedHost, request.Headers[ForwardedHost], request.Host.Value ?? "");
    }

    /// <summary>
    /// Headers that <c>Connection</c> names concern this hop only. Host stays: without it nothing can be routed. Kestrel
    /// drops the names that stand beside <c>close</c>, <c>keep-alive</c> or <c>upgrade</c>: those cannot be seen here.
    /// </summary>
    private static void RemoveNominated(StringValues connection, HttpRequestMessage proxyRequest)
    {
        foreach (string? line in connection)
        {
            if (line is null || line.Equals("keep-alive", StringComparison.OrdinalIgnoreCase)
                || line.Equals("close", StringComparison.OrdinalIgnoreCase) || line.Equals("upgrade", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            foreach (string name in line.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                // A name that is no token makes HttpHeaders throw; it cannot be the name of a header that came.
                if (!name.Equals(HeaderNames.Host, StringComparison.OrdinalIgnoreCase)
                    && !name.Equals(HeaderNames.Upgrade, StringComparison.OrdinalIgnoreCase)
                    && proxyRequest.Headers.TryGetValues(name, out _))
                {
                    proxyRequest.Headers.Remove(name);
                }
            }
        }
    }

    private static void Append(HttpRequestMessage proxyRequest, string name, StringValues before, string value)
    {
        if (before.Count == 0)
        {
            proxyRequest.Headers.TryAddWithoutValidation(name, value);
            return;
        }

        proxyRequest.Headers.Remove(name);
        proxyRequest.Headers.TryAddWithoutValidation(name, string.Create(CultureInfo.InvariantCulture, $"{before}, {value}"));
    }

    private static string Address(IPAddress? address) => address switch
    {
        null => "unknown",
        { IsIPv4MappedToIPv6: true } => address.MapToIPv4().ToString(),
        _ => address.ToString(),
    };
}
