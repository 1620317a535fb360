using System.Text;
using System.Text.Json;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// A Consul agent's services: register, deregister, list. A service that the agent holds as it is wanted is not registered again,
/// because that would set its check back to its first status; registrator's resync does so each time.
/// </summary>
internal sealed class ConsulAgentBackend(MirrorUri uri) : MirrorBackend
{
    private const string Services = "/v1/agent/services";
    private const string Checks = "/v1/agent/checks";

    private readonly MirrorHttp _http = new(uri);

    /// <inheritdoc/>
    public override MirrorEntry EntryOf(MirroredService service)
    {
        ConsulRegistration registration = ConsulRegistration.Of(service);
        return new(service.Id, service.Id, registration.ToJson(), registration.Mark(), service.IsLapsing);
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<FoundEntry>> ListAsync(IReadOnlyCollection<string> candidates, CancellationToken cancellation)
    {
        var services = await GetAsync<Dictionary<string, AgentService>>(Services, cancellation);
        var checks = await GetAsync<Dictionary<string, AgentCheck>>(Checks, cancellation);
        HashSet<string?> checkedServices = [.. checks.Values.Select(static check => check.ServiceID)];
        return [.. services.Values.Select(service => Found(service, checkedServices.Contains(service.ID)))];
    }

    /// <inheritdoc/>
    public override Task PutAsync(MirrorEntry entry, CancellationToken cancellation) => _http.DemandAsync(
        HttpMethod.Put, "/v1/agent/service/register", new StringContent(entry.Value, Encoding.UTF8, "application/json"), cancellation);

    /// <inheritdoc/>
    public override async Task RemoveAsync(string key, CancellationToken cancellation)
    {
        string path = $"/v1/agent/service/deregister/{Uri.EscapeDataString(key)}";
        HttpAnswer answer = await _http.SendAsync(HttpMethod.Put, path, null, cancellation);
        if (!answer.IsSuccess && answer.Status != 404)
        {
            throw _http.Refused(HttpMethod.Put, path, answer);
        }
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private static FoundEntry Found(AgentService service, bool hasCheck)
    {
        var registration = new ConsulRegistration
        {
            ID = service.ID,
            Name = service.Service ?? "",
            Tags = service.Tags is { Count: > 0 } tags ? tags : null,
            Port = service.Port,
            Address = service.Address,
            EnableTagOverride = service.EnableTagOverride,
            Meta = service.Meta is { Count: > 0 } meta ? meta : null,
            Check = hasCheck ? new() : null,
        };
        return new(service.ID, service.ID, registration.Mark(), IsOurs: false, IsLasting: true);
    }

    private async Task<T> GetAsync<T>(string path, CancellationToken cancellation)
        where T : class
    {
        HttpAnswer answer = await _http.DemandAsync(HttpMethod.Get, path, null, cancellation);
        try
        {
            return JsonSerializer.Deserialize<T>(answer.Body) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new MirrorException($"{uri} answered GET {path} with what cannot be read: {e.Message}", inner: e);
        }
    }

    /// <summary>A service as the agent lists it, as far as it is read.</summary>
    private sealed record AgentService
    {
        public string ID { get; init; } = "";

        public string? Service { get; init; }

        public List<string>? Tags { get; init; }

        public Dictionary<string, string>? Meta { get; init; }

        public int Port { get; init; }

        public string? Address { get; init; }

        public bool EnableTagOverride { get; init; }
    }

    /// <summary>A check as the agent lists it, as far as it is read.</summary>
    private sealed record AgentCheck
    {
        public string? ServiceID { get; init; }
    }
}
