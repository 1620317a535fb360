using System.Globalization;
using System.Text;
using System.Text.Json;
using Discovery.Catalog;
using Discovery.Proxy.Routing;

namespace Discovery.Proxy;

/// <summary>The admin listener: <c>/healthz</c>, <c>/readyz</c>, <c>/metrics</c>, <c>/routes</c>; reads only.</summary>
internal sealed class AdminEndpoints(RouteUpdater routes, ProxyOptions options, ProxyCounters counters, TimeProvider time)
{
    private volatile bool _stopping;

    /// <summary>Not ready from now on.</summary>
    public void Stopping() => _stopping = true;

    /// <summary>Answers one request.</summary>
    public Task HandleAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            return TextAsync(context, StatusCodes.Status405MethodNotAllowed, "only GET\n");
        }

        return request.Path.Value switch
        {
            "/healthz" => TextAsync(context, StatusCodes.Status200OK, "ok\n"),
            "/readyz" => ReadyAsync(context),
            "/metrics" => TextAsync(context, StatusCodes.Status200OK, Metrics(), "text/plain; version=0.0.4; charset=utf-8"),
            "/routes" => RoutesAsync(context),
            _ => TextAsync(context, StatusCodes.Status404NotFound, "here are /healthz, /readyz, /metrics and /routes\n"),
        };
    }

    private Task ReadyAsync(HttpContext context)
    {
        RouterState state = routes.State;
        string store = state.Connected
            ? $"the store at {options.Store} answers"
            : $"the store at {options.Store} is away{(state.Since is { } since ? $" for {(time.GetUtcNow() - since).TotalSeconds:0} s" : "")}: {state.Problem ?? "not asked yet"}";
        (int status, string text) = state switch
        {
            _ when _stopping => (StatusCodes.Status503ServiceUnavailable, "stopping\n"),
            { Table: null } => (StatusCodes.Status503ServiceUnavailable, $"no routes yet; {store}\n"),
            { Connected: false } => (StatusCodes.Status200OK, $"ok, with the routes of revision {state.AppliedRevision}; {store}\n"),
            _ => (StatusCodes.Status200OK, $"ok, with the routes of revision {state.AppliedRevision}; {store}\n"),
        };
        return TextAsync(context, status, text);
    }

    private string Metrics()
    {
        RouterState state = routes.State;
        var text = new StringBuilder();
        void Metric(string name, string type, string help, long value)
        {
            Head(name, type, help);
            text.Append(CultureInfo.InvariantCulture, $"discovery_proxy_{name} {value}\n");
        }

        void Head(string name, string type, string help) =>
            text.Append(CultureInfo.InvariantCulture, $"# HELP discovery_proxy_{name} {help}\n# TYPE discovery_proxy_{name} {type}\n");

        Metric("requests_total", "counter", "Requests received.", counters.Requests);
        Metric("requests_in_flight", "gauge", "Requests received and not ended.", counters.InFlight);
        Metric("retries_total", "counter", "Times a request was sent to a further instance.", counters.Retries);
        Head("errors_total", "counter", "Requests without an answer from an instance, by reason.");
        foreach (RequestError error in Enum.GetValues<RequestError>())
        {
            string reason = JsonNamingPolicy.SnakeCaseLower.ConvertName(error.ToString());
            text.Append(CultureInfo.InvariantCulture, $"discovery_proxy_errors_total{{reason=\"{reason}\"}} {counters.Errors(error)}\n");
        }

        Metric("routes", "gauge", "Routes served.", state.Table?.Routes.Count() ?? 0);
        Metric("route_problems", "gauge", "Routes not served.", state.Table?.Problems.Count() ?? 0);
        Metric("applied_revision", "gauge", "The store's revision up to which routes and instances are applied.", state.AppliedRevision);
        Metric("store_connected", "gauge", "Whether the store answers.", state.Connected ? 1 : 0);
        return text.ToString();
    }

    private async Task RoutesAsync(HttpContext context)
    {
        RouterState state = routes.State;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteNumber("revision", state.AppliedRevision);
        json.WriteBoolean("connected", state.Connected);
        if (state.Problem is not null)
        {
            json.WriteString("problem", state.Problem);
        }

        json.WriteStartArray("routes");
        foreach (Routing.Route route in state.Table?.Routes ?? [])
        {
            Write(json, route, state.Table!.ClusterOf(route.Service)!);
        }

        json.WriteEndArray();
        json.WriteStartArray("problems");
        foreach (RouteProblem problem in state.Table?.Problems ?? [])
        {
            json.WriteStartObject();
            json.WriteString("service", problem.Service);
            json.WriteString("host", problem.Host);
            json.WriteString("path", problem.Path);
            json.WriteString("source", problem.Source);
            json.WriteString("reason", problem.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json, Routing.Route route, Cluster cluster)
    {
        json.WriteStartObject();
        json.WriteString("host", route.Host);
        json.WriteString("path", route.Path.Length == 0 ? "/" : route.Path);
        json.WriteString("service", route.Service);
        json.WriteString("source", route.Source);
        if (route.Priority != 0)
        {
            json.WriteNumber("priority", route.Priority);
        }

        json.WriteStartArray("destinations");
        foreach (Destination destination in cluster.Destinations.Values)
        {
            ServiceInstance instance = destination.Instance;
            json.WriteStartObject();
            json.WriteString("instance", instance.Id);
            json.WriteString("endpoint", instance.Endpoint);
            json.WriteString("health", instance.Health.ToString().ToLowerInvariant());
            json.WriteString("state", instance.State.ToString().ToLowerInvariant());
            json.WriteNumber("weight", instance.Weight);
            json.WriteBoolean("takesRequests", instance.TakesRequests);
            json.WriteBoolean("avoided", destination.Traffic.Standing(time.GetTimestamp()) == Standing.Avoided);
            json.WriteNumber("inFlight", destination.Traffic.InFlight);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static async Task TextAsync(HttpContext context, int status, string text, string type = "text/plain; charset=utf-8")
    {
        byte[] body = Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }
    }
}
