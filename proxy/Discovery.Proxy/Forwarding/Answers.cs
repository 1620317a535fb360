using System.Text;
using System.Text.Json;
using Discovery.Catalog;
using Discovery.Proxy.Routing;

namespace Discovery.Proxy.Forwarding;

/// <summary>
/// What the proxy itself says when no instance does: a short text that names what was looked for, what was found and
/// what would help; the same as JSON where Accept asks for it.
/// </summary>
internal static class Answers
{
    /// <summary>503: the catalog has not been read since the start.</summary>
    public static Task NotReadyAsync(HttpContext context, string store) => WriteAsync(
        context, StatusCodes.Status503ServiceUnavailable, $"No routes yet: the store at {store} has not answered since this proxy started.", null, [], retry: true);

    /// <summary>404: nothing routes this host, or not this path.</summary>
    public static Task NoRouteAsync(HttpContext context, string host, string domain, HostRoutes? routes)
    {
        if (routes is not null)
        {
            return WriteAsync(
                context,
                StatusCodes.Status404NotFound,
                $"Host {host} is routed, but not this path. Its paths:",
                null,
                routes.Routes.Select(static r => new Line(r.Path, $"service {r.Service}")));
        }

        string ownName = host.EndsWith($".{domain}", StringComparison.OrdinalIgnoreCase)
            ? $"A container started with SERVICE_NAME={host[..^(domain.Length + 1)]} would be, or one with the label discovery.host={host}."
            : $"A container with the label discovery.host={host} would be; SERVICE_NAME=<name> is routed at <name>.{domain}.";
        return WriteAsync(context, StatusCodes.Status404NotFound, host.Length == 0 ? "The request names no host." : $"Host {host} is not routed. {ownName}", null, []);
    }

    /// <summary>503: the service is routed, and none of its instances takes requests.</summary>
    public static Task NoInstanceAsync(HttpContext context, Cluster cluster) => WriteAsync(
        context,
        StatusCodes.Status503ServiceUnavailable,
        $"Service {cluster.Service} is routed, but {(cluster.Destinations.IsEmpty ? "has no instance." : "none of its instances takes requests:")}",
        cluster.Service,
        cluster.Destinations.Values.Select(static d => new Line(d.Instance.Id, Condition(d.Instance))),
        retry: true);

    /// <summary>502 or 504: the instances that were tried failed.</summary>
    public static Task FailedAsync(HttpContext context, string service, IReadOnlyList<(Destination Destination, Failure Failure)> attempts)
    {
        bool timeout = attempts[^1].Failure.Error == RequestError.Timeout;
        return WriteAsync(
            context,
            timeout ? StatusCodes.Status504GatewayTimeout : StatusCodes.Status502BadGateway,
            $"Service {service} did not answer:",
            service,
            attempts.Select(static a => new Line(a.Destination.Instance.Id, a.Failure.Text)));
    }

    private static string Condition(ServiceInstance instance) => instance.State == InstanceState.Active
        ? instance.Health.ToString().ToLowerInvariant()
        : $"{instance.Health.ToString().ToLowerInvariant()}, {instance.State.ToString().ToLowerInvariant()}";

    private static async Task WriteAsync(
        HttpContext context, int status, string message, string? service, IEnumerable<Line> details, bool retry = false)
    {
        Line[] all = [.. details];
        HttpResponse response = context.Response;
        response.Clear();
        response.StatusCode = status;
        response.Headers.CacheControl = "no-store";

        // The text holds what the client sent as its host: a browser must not take it for a page.
        response.Headers.XContentTypeOptions = "nosniff";
        if (retry)
        {
            response.Headers.RetryAfter = "1";
        }

        bool json = context.Request.Headers.Accept.ToString().Contains("application/json", StringComparison.OrdinalIgnoreCase);
        response.ContentType = json ? "application/json" : "text/plain; charset=utf-8";
        byte[] body = json ? Json(status, message, service, all) : Text(status, message, all);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private static byte[] Text(int status, string message, Line[] details)
    {
        var text = new StringBuilder($"{status} {message}\n");
        foreach (Line line in details.Take(Limits.Listed))
        {
            text.Append("  ").Append(line.Name).Append(": ").Append(line.Condition).Append('\n');
        }

        if (details.Length > Limits.Listed)
        {
            text.Append("  and ").Append(details.Length - Limits.Listed).Append(" more\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static byte[] Json(int status, string message, string? service, Line[] details)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("status", status);
            json.WriteString("error", message);
            if (service is not null)
            {
                json.WriteString("service", service);
            }

            json.WriteStartObject("details");
            foreach (Line line in details.Take(Limits.Listed).DistinctBy(static l => l.Name))
            {
                json.WriteString(line.Name, line.Condition);
            }

            json.WriteEndObject();
            json.WriteNumber("more", Math.Max(0, details.Length - Limits.Listed));
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private readonly record struct Line(string Name, string Condition);
}
