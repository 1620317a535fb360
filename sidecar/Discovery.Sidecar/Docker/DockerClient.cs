using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Discovery.Sidecar.Docker;

/// <summary>
/// The few calls of Docker's Engine API that are needed, all of them reading: _ping, info, containers/json,
/// containers/{id}/json, events; those that write are in a part of their own. Thread-safe. Fails with
/// <see cref="DockerUnavailableException"/> only.
/// </summary>
internal sealed partial class DockerClient : IDisposable
{
    /// <summary>The newest API that this was written for.</summary>
    private static readonly Version ApiMax = new(1, 52);

    /// <summary>The oldest API that has all that is read: Docker 20.10.</summary>
    private static readonly Version ApiMin = new(1, 41);

    // What can change a registration. The exec_* noise of health checks is left out by the engine itself; "died" and
    // "remove" are podman's names. Filters of one name are alternatives, and "destroy" is an action of networks too.
    private const string EventFilters =
        """{"type":["container","network"],"event":["start","die","died","pause","unpause","rename","destroy","remove","health_status","connect","disconnect"]}""";

    private readonly HttpClient _http;
    private volatile string _version = "";

    /// <summary>A client of this engine; nothing is sent yet.</summary>
    public DockerClient(DockerEndpoint endpoint)
    {
        Endpoint = endpoint;
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellation) => endpoint.ConnectAsync(cancellation),
            ConnectTimeout = Limits.DockerConnect,
            UseProxy = false,
            AllowAutoRedirect = false,
        })
        {
            BaseAddress = endpoint.BaseAddress,
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Whom this client asks.</summary>
    public DockerEndpoint Endpoint { get; }

    /// <summary>Whether <see cref="Container.Inspected"/> is kept; a template needs all of it.</summary>
    public bool KeepsInspected { private get; init; }

    /// <summary>Agrees on an API version, as it must before any other call and after each loss of the engine.</summary>
    /// <returns>The engine's clock, to the second; null when it does not say.</returns>
    public Task<DateTimeOffset?> PingAsync(CancellationToken cancellation) => CallAsync(
        "_ping",
        response =>
        {
            string? found = response.Headers.TryGetValues("Api-Version", out var values) ? values.FirstOrDefault() : null;
            Version engine = Version.TryParse(found, out Version? version) ? version : ApiMin;
            if (engine < ApiMin)
            {
                throw new DockerUnavailableException($"the engine at {Endpoint} speaks API {engine}; at least {ApiMin} is needed (Docker 20.10)");
            }

            _version = string.Create(CultureInfo.InvariantCulture, $"v{(engine < ApiMax ? engine : ApiMax)}/");
            return Task.FromResult(response.Headers.Date);
        },
        cancellation);

    /// <summary>The engine's name, id and version.</summary>
    public Task<EngineInfo> InfoAsync(CancellationToken cancellation) =>
        GetAsync($"{_version}info", DockerJson.Default.EngineInfo, cancellation);

    /// <summary>The ids of all containers that run or are paused.</summary>
    public async Task<ImmutableArray<string>> ListAsync(CancellationToken cancellation) =>
        [.. (await GetAsync($"{_version}containers/json", DockerJson.Default.ListedContainerArray, cancellation)).Select(static c => c.Id)];

    /// <summary>The container as it is now; null when there is none of this id or name.</summary>
    public Task<Container?> InspectAsync(string id, CancellationToken cancellation) => CallAsync(
        $"{_version}containers/{Uri.EscapeDataString(id)}/json",
        async response =>
        {
            try
            {
                return response.StatusCode == HttpStatusCode.NotFound
                    ? null
                    : KeepsInspected
                        ? Kept(await ReadAsync(response, DockerJson.Default.JsonElement, cancellation))
                        : await ReadAsync(response, DockerJson.Default.Container, cancellation);
            }
            catch (JsonException e)
            {
                // One odd container must not stop the others from being looked at.
                return new Container { Id = id, Unreadable = e.Message };
            }
        },
        cancellation);

    private static Container Kept(JsonElement inspected) => inspected.Deserialize(DockerJson.Default.Container)! with { Inspected = inspected };

    /// <summary>
    /// Hints, from <paramref name="since"/> on for as long as the engine lives. The first item is null and says that the
    /// engine listens. Never ends but by an exception.
    /// </summary>
    /// <param name="since">
    /// A moment on the engine's clock before the call: the engine answers before it has subscribed us, and only what
    /// it replays from its buffer closes that gap.
    /// </param>
    /// <param name="cancellation">Ends the stream.</param>
    public async IAsyncEnumerable<EngineEvent?> WatchAsync(
        DateTimeOffset? since, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string replay = since is { } start ? string.Create(CultureInfo.InvariantCulture, $"since={start.ToUnixTimeSeconds()}&") : "";
        using HttpResponseMessage response = await SendAsync(
            $"{_version}events?{replay}filters={Uri.EscapeDataString(EventFilters)}", Limits.DockerCall, cancellation);
        Demand(response);
        await using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
        yield return null;

        await using var events = JsonSerializer
            .DeserializeAsyncEnumerable(body, DockerJson.Default.EngineEvent, topLevelValues: true, cancellation)
            .GetAsyncEnumerator(cancellation);
        while (true)
        {
            try
            {
                if (!await events.MoveNextAsync())
                {
                    break;
                }
            }
            catch (Exception e) when (e is IOException or HttpRequestException or JsonException)
            {
                throw new DockerUnavailableException($"the event stream of {Endpoint} broke: {e.Message}", e);
            }

            yield return events.Current;
        }

        throw new DockerUnavailableException($"the engine at {Endpoint} ended the event stream");
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation) =>
        CallAsync(path, response => ReadAsync(response, type, cancellation), cancellation);

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        Demand(response);
        await using Stream body = await response.Content.ReadAsStreamAsync(cancellation);
        return await JsonSerializer.DeserializeAsync(body, type, cancellation)
            ?? throw new DockerUnavailableException($"{Endpoint} answered null to {response.RequestMessage?.RequestUri?.PathAndQuery}");
    }

    /// <summary>One whole call within <see cref="Limits.DockerCall"/>, its failures told apart from those of the caller.</summary>
    private async Task<T> CallAsync<T>(string path, Func<HttpResponseMessage, Task<T>> read, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(path, Limits.DockerCall, cancellation);
        try
        {
            return await read(response).WaitAsync(Limits.DockerCall, cancellation);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or JsonException or TimeoutException)
        {
            throw new DockerUnavailableException($"{Endpoint} answered {path} with what cannot be read: {e.Message}", e);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(string path, TimeSpan limit, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(limit);
        try
        {
            return await _http.GetAsync(new Uri(path, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        }
        catch (HttpRequestException e)
        {
            throw new DockerUnavailableException($"{Endpoint}: {Reason(e)}", e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new DockerUnavailableException($"{Endpoint} did not answer {path} within {limit.TotalSeconds} s", e);
        }
    }

    private static string Reason(HttpRequestException e) => (e.InnerException as SocketException)?.SocketErrorCode switch
    {
        // How .NET calls a unix socket whose file is missing.
        SocketError.AddressNotAvailable => "there is no such socket; start Docker, or name another with DOCKER_HOST",
        SocketError.ConnectionRefused => "nobody listens there; start Docker, or name another with DOCKER_HOST",
        SocketError.AccessDenied => "this user may not use the socket; run as root or as a member of its group",
        _ => (e.InnerException ?? e).Message,
    };

    private void Demand(HttpResponseMessage response)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw new DockerUnavailableException(
                $"{Endpoint} answered {(int)response.StatusCode} to {response.RequestMessage?.RequestUri?.PathAndQuery}");
        }
    }
}
