using System.Net.Sockets;
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
        app.MapGet("/v1/why", () => Results.Json(WhyAnswer.From(loop.Status), AdminJson.Default.WhyAnswer));
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
}
