using System.Text;
using System.Text.Json;

namespace Discovery.Sidecar.Mirrors;

/// <summary>Consul's key-value store: <c>&lt;prefix&gt;/&lt;service&gt;/&lt;id&gt;</c> = <c>ip:port</c>, no TTL.</summary>
internal sealed class ConsulKvBackend(MirrorUri uri) : MirrorBackend
{
    private readonly MirrorHttp _http = new(uri);

    /// <inheritdoc/>
    public override MirrorEntry EntryOf(MirroredService service)
    {
        MirrorEntry entry = MirrorLayout.Entry(uri.Kind, uri.Path, service);
        return entry with { Key = entry.Key[1..] };
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<FoundEntry>> ListAsync(IReadOnlyCollection<string> candidates, CancellationToken cancellation)
    {
        string prefix = uri.Path.Length == 0 ? "" : uri.Path[1..] + "/";
        string path = $"{PathOf(prefix)}?recurse=true";
        HttpAnswer answer = await _http.SendAsync(HttpMethod.Get, path, null, cancellation);
        if (answer.Status == 404)
        {
            return [];
        }

        if (!answer.IsSuccess)
        {
            throw _http.Refused(HttpMethod.Get, path, answer);
        }

        try
        {
            return [.. (JsonSerializer.Deserialize<List<Pair>>(answer.Body) ?? []).Select(Found).OfType<FoundEntry>()];
        }
        catch (JsonException e)
        {
            throw new MirrorException($"{uri} answered GET {path} with what cannot be read: {e.Message}", inner: e);
        }
    }

    /// <inheritdoc/>
    public override async Task PutAsync(MirrorEntry entry, CancellationToken cancellation)
    {
        string path = PathOf(entry.Key);
        HttpAnswer answer = await _http.DemandAsync(HttpMethod.Put, path, new ByteArrayContent(Encoding.UTF8.GetBytes(entry.Value)), cancellation);
        if (answer.Body.Trim() != "true")
        {
            throw _http.Refused(HttpMethod.Put, path, answer);
        }
    }

    /// <inheritdoc/>
    public override Task RemoveAsync(string key, CancellationToken cancellation) =>
        _http.DemandAsync(HttpMethod.Delete, PathOf(key), null, cancellation);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string PathOf(string key) => $"/v1/kv/{MirrorHttp.Escape(key)}";

    private FoundEntry? Found(Pair pair) => MirrorLayout.IdOf(uri.Path, $"/{pair.Key}") is { } id
        ? new(id, pair.Key, Encoding.UTF8.GetString(pair.Value ?? []), IsOurs: false, IsLasting: true)
        : null;

    /// <summary>One key of a listing; the value comes in base64.</summary>
    private sealed record Pair
    {
        public string Key { get; init; } = "";

        public byte[]? Value { get; init; }
    }
}
