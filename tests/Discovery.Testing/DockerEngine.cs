using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Discovery.Testing;

/// <summary>
/// The operator's hands on a Docker engine: starts, kills, pauses containers over the engine's own socket. It shares no
/// code with the sidecar, so that a mistake there is not made twice. All its containers carry one label and are removed
/// with it.
/// </summary>
public sealed class DockerEngine : IAsyncDisposable
{
    /// <summary>The engine's socket when <c>DOCKER_HOST</c> is not set.</summary>
    public const string DefaultHost = "unix:///var/run/docker.sock";

    private const string Scheme = "unix://";

    // Present in every engine since 19.03.
    private const string ApiVersion = "/v1.40";

    private readonly HttpClient _http;
    private readonly string _owner = $"test-run-{Guid.NewGuid():n}";

    /// <summary>An engine by its socket; nothing is sent yet.</summary>
    /// <param name="host">As in <c>DOCKER_HOST</c>: <c>unix:///path</c> or <c>tcp://host:port</c>.</param>
    public DockerEngine(string host)
    {
        Host = host;
        bool unix = host.StartsWith(Scheme, StringComparison.Ordinal);
        var handler = new SocketsHttpHandler { UseProxy = false };
        if (unix)
        {
            handler.ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                try
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(host[Scheme.Length..]), cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri(unix ? "http://docker" : host.Replace("tcp://", "http://", StringComparison.Ordinal)),
            Timeout = TimeSpan.FromMinutes(1),
        };
    }

    /// <summary>As in <c>DOCKER_HOST</c>.</summary>
    public string Host { get; }

    /// <summary>The engine that the docker command would talk to.</summary>
    public static DockerEngine FromEnvironment() =>
        new(Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 } host ? host : DefaultHost);

    /// <summary>Whether it answers.</summary>
    public async Task<bool> AnswersAsync()
    {
        try
        {
            using HttpResponseMessage response = await _http.GetAsync("/_ping");
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return false;
        }
    }

    /// <summary><c>docker info</c>.</summary>
    public Task<JsonNode> InfoAsync() => CallAsync(HttpMethod.Get, "/info");

    /// <summary><c>docker build</c> of a context given as a tar.</summary>
    public async Task BuildAsync(string tag, Stream tar)
    {
        using var content = new StreamContent(tar);
        content.Headers.ContentType = new("application/x-tar");
        using HttpResponseMessage response = await _http.PostAsync($"{ApiVersion}/build?rm=1&forcerm=1&t={tag}", content);
        string output = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode || output.Contains("\"errorDetail\"", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"docker build of {tag} failed ({response.StatusCode}): {output}");
        }
    }

    /// <summary><c>docker create</c>.</summary>
    /// <returns>The container's id.</returns>
    public async Task<string> CreateAsync(ContainerSpec spec)
    {
        JsonNode created = await CallAsync(HttpMethod.Post, $"/containers/create?name={spec.Name}", ToJson(spec));
        return (string)created["Id"]!;
    }

    /// <summary><c>docker run -d</c>.</summary>
    /// <returns>The container's id.</returns>
    public async Task<string> RunAsync(ContainerSpec spec)
    {
        string id = await CreateAsync(spec);
        await StartAsync(id);
        return id;
    }

    /// <summary><c>docker start</c>.</summary>
    public Task StartAsync(string container) => CallAsync(HttpMethod.Post, $"/containers/{container}/start");

    /// <summary><c>docker stop</c>, at most two seconds to end by itself.</summary>
    public Task StopAsync(string container) => CallAsync(HttpMethod.Post, $"/containers/{container}/stop?t=2");

    /// <summary><c>docker restart</c>: a new port where Docker chose it.</summary>
    public Task RestartAsync(string container) => CallAsync(HttpMethod.Post, $"/containers/{container}/restart?t=0");

    /// <summary><c>docker kill</c>.</summary>
    public Task KillAsync(string container) => CallAsync(HttpMethod.Post, $"/containers/{container}/kill");

    /// <summary><c>docker pause</c>.</summary>
    public Task PauseAsync(string container) => CallAsync(HttpMethod.Post, $"/containers/{container}/pause");

    /// <summary><c>docker unpause</c>.</summary>
    public Task UnpauseAsync(string container) => CallAsync(HttpMethod.Post, $"/containers/{container}/unpause");

    /// <summary><c>docker rm -f</c>; nothing when it is gone already.</summary>
    public async Task RemoveAsync(string container)
    {
        using HttpResponseMessage response = await _http.DeleteAsync($"{ApiVersion}/containers/{container}?force=1&v=1");
        if (response.StatusCode is not HttpStatusCode.NotFound and not HttpStatusCode.Conflict)
        {
            await EnsureSuccessAsync(response);
        }
    }

    /// <summary><c>docker inspect</c>.</summary>
    public Task<JsonNode> InspectAsync(string container) => CallAsync(HttpMethod.Get, $"/containers/{container}/json");

    /// <summary><c>docker exec</c>; the command must succeed.</summary>
    public async Task ExecAsync(string container, params string[] command)
    {
        JsonNode exec = await CallAsync(
            HttpMethod.Post,
            $"/containers/{container}/exec",
            new JsonObject { ["Cmd"] = new JsonArray([.. command.Select(static word => JsonValue.Create(word))]), ["AttachStdout"] = true });
        string id = (string)exec["Id"]!;

        // Attached, the answer ends with the command.
        using HttpResponseMessage response = await _http.PostAsync(
            $"{ApiVersion}/exec/{id}/start", new StringContent("""{"Detach":false,"Tty":false}""", Encoding.UTF8, "application/json"));
        await EnsureSuccessAsync(response);
        JsonNode ended = await CallAsync(HttpMethod.Get, $"/exec/{id}/json");
        if ((int)ended["ExitCode"]! != 0)
        {
            throw new InvalidOperationException($"docker exec {string.Join(' ', command)} ended with {ended["ExitCode"]}");
        }
    }

    /// <summary>The host's port behind a container's port, as <c>docker port</c> says it; null when it does not run or is not published.</summary>
    public async Task<int?> PublishedPortAsync(string container, int containerPort)
    {
        JsonNode ports = (await InspectAsync(container))["NetworkSettings"]!["Ports"]!;
        return ports[$"{containerPort}/tcp"] is JsonArray { Count: > 0 } bindings
            ? int.Parse((string)bindings[0]!["HostPort"]!, System.Globalization.CultureInfo.InvariantCulture)
            : null;
    }

    /// <summary>The ids of this object's containers that run (paused ones included).</summary>
    public async Task<IReadOnlyList<string>> RunningAsync()
    {
        JsonNode list = await ListAsync("all=0", [_owner]);
        return [.. list.AsArray().Select(static c => (string)c!["Id"]!)];
    }

    /// <summary>The engine's event stream of starting containers, raw.</summary>
    public Task<Stream> StartEventsAsync() =>
        _http.GetStreamAsync($"{ApiVersion}/events?filters={Uri.EscapeDataString("""{"type":["container"],"event":["start"]}""")}");

    /// <summary>Removes all containers that this object made.</summary>
    public Task RemoveAllAsync() => RemoveAsync(new[] { _owner });

    /// <summary>Removes all containers of the engine: only for one that belongs to the test.</summary>
    internal Task RemoveEveryContainerAsync() => RemoveAsync([]);

    /// <summary>Removes its containers and closes its connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (await AnswersAsync())
        {
            await RemoveAllAsync();
        }

        _http.Dispose();
    }

    private JsonObject ToJson(ContainerSpec spec)
    {
        var container = new JsonObject
        {
            ["Image"] = spec.Image,
            ["Env"] = new JsonArray([.. spec.Environment.Select(static e => JsonValue.Create($"{e.Key}={e.Value}"))]),
            ["Labels"] = new JsonObject([new(_owner, "1"), .. spec.Labels.Select(static label => KeyValuePair.Create(label.Key, (JsonNode?)label.Value))]),
            ["HostConfig"] = new JsonObject
            {
                ["PublishAllPorts"] = spec.PublishAll,
                ["RestartPolicy"] = new JsonObject { ["Name"] = spec.RestartAlways ? "always" : "no" },
            },
        };
        if (spec.HealthCommand is not null)
        {
            container["Healthcheck"] = new JsonObject
            {
                ["Test"] = new JsonArray([JsonValue.Create("CMD"), .. spec.HealthCommand.Select(static word => JsonValue.Create(word))]),
                ["Interval"] = Nanoseconds(TimeSpan.FromMilliseconds(500)),
                ["Timeout"] = Nanoseconds(TimeSpan.FromSeconds(5)),
                ["Retries"] = 1,
            };
        }

        return container;
    }

    private static long Nanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;

    private async Task RemoveAsync(string[] labels)
    {
        JsonNode list = await ListAsync("all=1", labels);
        await Task.WhenAll(list.AsArray().Select(c => RemoveAsync((string)c!["Id"]!)));
    }

    private Task<JsonNode> ListAsync(string query, string[] labels)
    {
        var filters = new JsonObject { ["label"] = new JsonArray([.. labels.Select(static label => JsonValue.Create(label))]) };
        return CallAsync(HttpMethod.Get, $"/containers/json?{query}&filters={Uri.EscapeDataString(filters.ToJsonString())}");
    }

    private async Task<JsonNode> CallAsync(HttpMethod method, string path, JsonNode? body = null)
    {
        using var request = new HttpRequestMessage(method, ApiVersion + path);
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        }

        using HttpResponseMessage response = await _http.SendAsync(request);
        await EnsureSuccessAsync(response);
        string answer = await response.Content.ReadAsStringAsync();
        return answer.Length == 0 ? new JsonObject() : JsonNode.Parse(answer)!;
    }

    private static async Task EnsureSuccessAsync(HttpResponseMessage response)
    {
        // 304 is "already so" to start and stop.
        if (!response.IsSuccessStatusCode && response.StatusCode != HttpStatusCode.NotModified)
        {
            string answer = await response.Content.ReadAsStringAsync();
            HttpRequestMessage asked = response.RequestMessage!;
            throw new InvalidOperationException(
                $"Docker answered {(int)response.StatusCode} to {asked.Method} {asked.RequestUri!.PathAndQuery}: {answer}");
        }
    }
}
