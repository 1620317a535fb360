using System.Globalization;

namespace Discovery.Sample;

/// <summary>The service itself: says who it is, can be made unhealthy, and can be slow, so that each is seen from outside.</summary>
internal sealed class SampleService(string name, string version)
{
    /// <summary>Longest time that /slow may be asked to take, in milliseconds.</summary>
    private const int SlowMax = 60_000;

    /// <summary>Time for requests in flight to finish after SIGTERM; below the 10 s after which Docker kills.</summary>
    private static readonly TimeSpan DrainMax = TimeSpan.FromSeconds(8);

    private readonly string _container = Environment.MachineName;
    private long _requests;
    private volatile bool _failing;

    /// <summary>Serves until SIGTERM or SIGINT; returns the exit code.</summary>
    public async Task<int> RunAsync(ushort port)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.ListenAnyIP(port));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainMax);

        await using WebApplication app = builder.Build();
        app.Run(AnswerAsync);
        try
        {
            await app.StartAsync();
        }
        catch (IOException e)
        {
            await Console.Error.WriteLineAsync($"cannot listen on port {port}: {e.Message}");
            return 1;
        }

        Console.WriteLine($"{name} {version} on {_container} serves on port {port}");
        await app.WaitForShutdownAsync();
        return 0;
    }

    private Task AnswerAsync(HttpContext context) => (context.Request.Method, context.Request.Path.Value) switch
    {
        ("GET" or "HEAD", "/") => WhoAmIAsync(context),
        ("GET" or "HEAD", "/healthz") => HealthAsync(context),
        ("POST", "/fail") => SwitchHealthAsync(context, failing: true),
        ("POST", "/pass") => SwitchHealthAsync(context, failing: false),
        ("GET", "/slow") => SlowAsync(context),
        _ => SayAsync(context, StatusCodes.Status404NotFound, "unknown; try /, /healthz, /slow?ms=500, POST /fail or POST /pass"),
    };

    private Task WhoAmIAsync(HttpContext context) =>
        SayAsync(
            context,
            StatusCodes.Status200OK,
            $"{name} {version} on {_container}, request {Interlocked.Increment(ref _requests)}");

    private Task HealthAsync(HttpContext context) => _failing
        ? SayAsync(context, StatusCodes.Status503ServiceUnavailable, "failing, as asked by POST /fail")
        : SayAsync(context, StatusCodes.Status200OK, "ok");

    private Task SwitchHealthAsync(HttpContext context, bool failing)
    {
        _failing = failing;
        return SayAsync(context, StatusCodes.Status200OK, $"{_container} is now {(failing ? "failing" : "passing")} its health check");
    }

    private async Task SlowAsync(HttpContext context)
    {
        string? asked = context.Request.Query["ms"];
        if (!int.TryParse(asked, CultureInfo.InvariantCulture, out int milliseconds) || milliseconds is < 0 or > SlowMax)
        {
            await SayAsync(context, StatusCodes.Status400BadRequest, $"ms is '{asked}'; it must be a number from 0 to {SlowMax}");
            return;
        }

        await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), TimeProvider.System, context.RequestAborted);
        await SayAsync(context, StatusCodes.Status200OK, $"{name} on {_container} took {milliseconds} ms");
    }

    private static Task SayAsync(HttpContext context, int status, string line)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(line + '\n', context.RequestAborted);
    }
}
