namespace Discovery.Dashboard.Web;

/// <summary>
/// Keeps other web pages out: a page from elsewhere may neither open a circuit (browsers let any page open a
/// WebSocket to any host, loopback too) nor frame the dashboard; and nothing is loaded from another host.
/// </summary>
internal sealed class BrowserGuard(RequestDelegate next)
{
    /// <summary>Refuses foreign origins on the circuit's endpoints, and puts the headers on every answer.</summary>
    public Task InvokeAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy(request.Host);
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";

        // Programs without a browser send no Origin; they have no user whose rights they could borrow.
        string? origin = request.Headers.Origin;
        bool circuit = request.Path.StartsWithSegments("/_blazor", StringComparison.OrdinalIgnoreCase) || context.WebSockets.IsWebSocketRequest;
        if (circuit && !string.IsNullOrEmpty(origin) && !IsOwn(origin, request))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return context.Response.WriteAsync("The circuit is open to the dashboard's own pages only.\n", context.RequestAborted);
        }

        return next(context);
    }

    private static bool IsOwn(string origin, HttpRequest request) =>
        string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Scripts only from files of ours. Style attributes are allowed, since the framework's virtualised lists set
    /// them. The circuit's address is named in full for browsers whose 'self' leaves WebSockets out.
    /// </summary>
    private static string Policy(HostString host) =>
        $"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
        + $"connect-src 'self' ws://{host}; manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";
}
