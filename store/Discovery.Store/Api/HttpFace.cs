using Microsoft.AspNetCore.Http;

namespace Discovery.Store.Api;

/// <summary>What a client URL serves besides gRPC: the JSON gateway, and pages for eyes, probes and dashboards.</summary>
internal sealed class HttpFace(JsonGateway gateway, HealthPages health, MetricsPage metrics)
{
    private static readonly string VersionBody =
        $$"""{"etcdserver":"{{MaintenanceService.CompatibleVersion}}","etcdcluster":"3.5.0"}""";

    /// <summary>Serves one request.</summary>
    public Task ServeAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "/";
        if (gateway.TryServe(context, path) is { } served)
        {
            return served;
        }

        Func<HttpContext, Task>? page = path switch
        {
            "/version" => static context => WriteAsync(context, StatusCodes.Status200OK, "application/json", VersionBody),
            "/health" => health.HealthAsync,
            "/metrics" => metrics.ServeAsync,
            _ when HealthPages.Serves(path) => health.CheckAsync,
            _ => null,
        };
        if (page is null)
        {
            return WriteAsync(context, StatusCodes.Status404NotFound, "text/plain; charset=utf-8", "404 page not found\n");
        }

        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.Headers.Allow = "GET";
            return WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "text/plain; charset=utf-8", "Method Not Allowed\n");
        }

        return page(context);
    }

    /// <summary>Answers with a short text.</summary>
    public static Task WriteAsync(HttpContext context, int status, string contentType, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.WriteAsync(body, context.RequestAborted);
    }
}
