using Discovery.Catalog;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Discovery.Proxy.Tests.Running;

/// <summary>A real web server as an instance of a service, on a port of its own.</summary>
internal sealed class Backend : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;

    private Backend(WebApplication app) => _app = app;

    /// <summary>Its port on loopback.</summary>
    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Requests that reached it.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Starts one; without a handler it says its name.</summary>
    public static async Task<Backend> StartAsync(string name = "ok", RequestDelegate? handler = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        WebApplication app = builder.Build();
        var backend = new Backend(app);
        app.UseWebSockets();
        app.Run(context =>
        {
            Interlocked.Increment(ref backend._requests);
            return handler is null ? context.Response.WriteAsync(name) : handler(context);
        });
        await app.StartAsync();
        return backend;
    }

    /// <summary>Its record.</summary>
    public ServiceInstance Instance(string service, int number = 1, params InstanceRoute[] routes) =>
        Catalogs.Instance(service, number, routes) with { Address = "127.0.0.1", Port = Port };

    /// <summary>Ends it; the port is closed after that.</summary>
    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
