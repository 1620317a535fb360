using System.Collections.Concurrent;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Discovery.Testing;

/// <summary>
/// A Docker engine over a real unix socket, as far as the sidecar asks one, whose faults are made on purpose: events
/// that never come, a stream that ends, an inspection that takes its time, an engine that is away.
/// </summary>
public sealed class FakeDockerDaemon : IAsyncDisposable
{
    private readonly TempDirectory _folder = new();
    private readonly ConcurrentDictionary<string, JsonObject> _containers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Channel<string>, bool> _listeners = new();
    private WebApplication? _app;
    private int _inspections;

    private FakeDockerDaemon()
    {
    }

    /// <summary>As in <c>DOCKER_HOST</c>.</summary>
    public string Host => $"unix://{_folder["docker.sock"]}";

    /// <summary>What <c>/info</c> gives as the engine's id.</summary>
    public string EngineId { get; set; } = "ENGINE-1";

    /// <summary>Whether events are swallowed, as an engine does with those of a slow reader.</summary>
    public bool DropsEvents { get; set; }

    /// <summary>What an inspection waits for before it answers.</summary>
    public Task InspectGate { get; set; } = Task.CompletedTask;

    /// <summary>Inspections asked for, answered or not.</summary>
    public int Inspections => Volatile.Read(ref _inspections);

    /// <summary>Event streams that are open.</summary>
    public int Listeners => _listeners.Count;

    /// <summary>Starts one without containers.</summary>
    public static async Task<FakeDockerDaemon> StartAsync()
    {
        var engine = new FakeDockerDaemon();
        await engine.ReturnAsync();
        return engine;
    }

    /// <summary>Puts a running container there, or replaces it, and tells of it.</summary>
    /// <param name="container">As <c>GET /containers/{id}/json</c> gives it.</param>
    /// <param name="action">The event's action.</param>
    public void Set(JsonObject container, string action = "start")
    {
        string id = (string)container["Id"]!;
        _containers[id] = container;
        Tell(id, action);
    }

    /// <summary>Takes a container away and tells of it.</summary>
    public void Remove(string id, string action = "die")
    {
        _containers.TryRemove(id, out _);
        Tell(id, action);
    }

    /// <summary>Sends an event, true or not.</summary>
    public void Tell(string id, string action)
    {
        if (DropsEvents)
        {
            return;
        }

        string line = new JsonObject
        {
            ["Type"] = "container",
            ["Action"] = action,
            ["Actor"] = new JsonObject { ["ID"] = id, ["Attributes"] = new JsonObject { ["image"] = "test" } },
            ["timeNano"] = 1,
        }.ToJsonString();
        foreach (Channel<string> listener in _listeners.Keys)
        {
            listener.Writer.TryWrite(line + "\n");
        }
    }

    /// <summary>Ends all event streams, as an engine does that goes down in order; it goes on answering.</summary>
    public void EndStreams()
    {
        foreach (Channel<string> listener in _listeners.Keys)
        {
            listener.Writer.TryComplete();
        }
    }

    /// <summary>The engine is gone, its socket too. Its containers are kept.</summary>
    public async Task GoAwayAsync()
    {
        EndStreams();
        if (_app is not null)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            await _app.StopAsync(patience.Token);
            await _app.DisposeAsync();
            _app = null;
        }

        File.Delete(_folder["docker.sock"]);
    }

    /// <summary>The engine is back.</summary>
    public async Task ReturnAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(_folder["docker.sock"]));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await GoAwayAsync();
        _folder.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        string[] path = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        switch (path)
        {
            case ["_ping"]:
                context.Response.Headers["Api-Version"] = "1.44";
                await context.Response.WriteAsync("OK");
                break;
            case [_, "info"]:
                await WriteAsync(context, new JsonObject { ["ID"] = EngineId, ["Name"] = "fake", ["ServerVersion"] = "25.0" });
                break;
            case [_, "containers", "json"]:
                await WriteAsync(context, new JsonArray([.. _containers.Keys.Select(static id => new JsonObject { ["Id"] = id })]));
                break;
            case [_, "containers", var id, "json"]:
                // What is answered late is what was true when it was asked.
                bool isThere = _containers.TryGetValue(id, out JsonObject? container);
                Interlocked.Increment(ref _inspections);
                await InspectGate.WaitAsync(context.RequestAborted);
                if (isThere)
                {
                    await WriteAsync(context, container!.DeepClone());
                }
                else
                {
                    context.Response.StatusCode = StatusCodes.Status404NotFound;
                }

                break;
            case [_, "events"]:
                await StreamAsync(context);
                break;
            default:
                context.Response.StatusCode = StatusCodes.Status400BadRequest;
                break;
        }
    }

    private async Task StreamAsync(HttpContext context)
    {
        var listener = Channel.CreateUnbounded<string>();
        _listeners[listener] = true;
        try
        {
            await context.Response.StartAsync(context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await foreach (string line in listener.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(line), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        finally
        {
            _listeners.TryRemove(listener, out _);
        }
    }

    private static Task WriteAsync(HttpContext context, JsonNode body)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body.ToJsonString());
    }
}
