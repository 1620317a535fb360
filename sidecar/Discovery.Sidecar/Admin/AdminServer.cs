using System.Net.Sockets;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Registration;

namespace Discovery.Sidecar.Admin;

/// <summary>
/// The sidecar's own pages at <c>--admin-url</c>: /healthz, /readyz, /metrics, /v1/why. They only read what the loop has
/// published.
/// </summary>
internal sealed class AdminServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private AdminServer(WebApplication app) => _app = app;

    /// <summary>Listens.</summary>
    /// <exception cref="IOException">The port is in use or the address is not ours; one line.</exception>
    public static async Task<AdminServer> StartAsync(
        Uri url, RegistrationLoop loop, TimeProvider time, ILoggerFactory logs, CancellationToken cancellation)
    {
        // The content root keeps a stray appsettings.json of the working directory out.
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseUrls(url.ToString()).ConfigureKestrel(static kestrel => kestrel.AddServerHeader = false);
        WebApplication app = builder.Build();

        // The process answers, whatever it waits for: a restart would not bring the engine or the store back.
        app.MapGet("/healthz", static () => "ok\n");
        app.MapGet("/readyz", () =>
        {
            string[] reasons = [.. loop.Status.Unready()];
            return Results.Text(
                reasons.Length == 0 ? "ready\n" : string.Concat(reasons.Select(static r => $"{r}\n")),
                statusCode: reasons.Length == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
        });
        app.MapGet("/metrics", () => Results.Text(
            Metrics.Of(loop.Status, loop.Follower.Events, time.GetUtcNow()), "text/plain; version=0.0.4"));
        app.MapGet("/v1/why", () => Results.Json(WhyAnswer.From(loop.Status, loop.Mirrors), AdminJson.Default.WhyAnswer));
        app.MapPut("/v1/check/{word}/{container}/{check}", (string word, string container, string check, string? note, CancellationToken stop) =>
            SayAsync(loop, word, container, check, note ?? "", stop));
        try
        {
            await app.StartAsync(cancellation);
            return new(app);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await app.DisposeAsync();
            throw new IOException($"--admin-url is {url}; it cannot be listened on: {e.Message.TrimEnd('.')}", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
    }

    /// <summary>Somebody says how a container is, for a check by TTL.</summary>
    private static async Task<IResult> SayAsync(RegistrationLoop loop, string word, string container, string check, string note, CancellationToken stop)
    {
        string[] ids = [.. loop.Status.Containers.Values
            .Where(verdict => verdict.Name == container || verdict.Id.StartsWith(container, StringComparison.Ordinal))
            .Select(static verdict => verdict.Id)];
        if (ids is not [var id])
        {
            return Results.Text($"{(ids.Length == 0 ? "no container" : $"{ids.Length} containers")} of this host {(ids.Length == 0 ? "is" : "are")} \"{container}\"; wanted a name, or the beginning of one id\n", statusCode: StatusCodes.Status404NotFound);
        }

        var key = new CheckKey(id, check);
        WordOutcome? outcome = word switch
        {
            "pass" => await loop.Checks.PassAsync(key, note, stop),
            "warn" => await loop.Checks.WarnAsync(key, note, stop),
            "fail" => await loop.Checks.FailAsync(key, note, stop),
            _ => null,
        };
        return outcome switch
        {
            WordOutcome.Taken => Results.NoContent(),
            WordOutcome.NotTtl => Results.Text($"{check} of {container} is no check by TTL: the sidecar makes it itself\n", statusCode: StatusCodes.Status409Conflict),
            WordOutcome.NoSuchCheck => Results.Text($"{container} has no check \"{check}\"\n", statusCode: StatusCodes.Status404NotFound),
            _ => Results.Text($"found \"{word}\"; wanted pass, warn or fail: PUT /v1/check/pass/<container>/<check>\n", statusCode: StatusCodes.Status404NotFound),
        };
    }
}
