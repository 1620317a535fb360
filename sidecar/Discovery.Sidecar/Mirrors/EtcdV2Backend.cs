using System.Globalization;
using System.Text.Json;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// etcd's v2 API, as registrator uses it: <c>PUT</c> with a form of <c>ttl</c> and <c>value</c>, <c>DELETE</c>. A renewal refreshes the TTL
/// without a value, which wakes no watcher; registrator writes the value again, which wakes all.
/// </summary>
internal sealed class EtcdV2Backend(MirrorUri uri, MirrorOptions options) : MirrorBackend
{
    private const int KeyNotFound = 100;
    private const int CompareFailed = 101;
    private const int UserAuthentication = 110;

    private readonly MirrorHttp _http = new(uri);

    /// <inheritdoc/>
    public override MirrorEntry EntryOf(MirroredService service) => MirrorLayout.Entry(uri.Kind, uri.Path, service);

    /// <summary>Whether the v2 API is there at all.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellation)
    {
        HttpAnswer answer = await _http.SendAsync(HttpMethod.Get, $"/v2/keys{MirrorHttp.Escape(uri.Path)}/", null, cancellation);
        return answer.Headers.Contains("X-Etcd-Index") || ErrorCode(answer) is KeyNotFound or UserAuthentication;
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<FoundEntry>> ListAsync(IReadOnlyCollection<string> candidates, CancellationToken cancellation)
    {
        string path = $"/v2/keys{MirrorHttp.Escape(uri.Path)}/?quorum=true&recursive=true&sorted=false";
        HttpAnswer answer = await _http.SendAsync(HttpMethod.Get, path, null, cancellation);
        if (!answer.IsSuccess)
        {
            // A refusal to read concerns everything, not one entry.
            return ErrorCode(answer) == KeyNotFound ? [] : throw new MirrorException(_http.Refused(HttpMethod.Get, path, answer).Message);
        }

        try
        {
            using var document = JsonDocument.Parse(answer.Body);
            var found = new List<FoundEntry>();
            Collect(document.RootElement.GetProperty("node"), found);
            return found;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new MirrorException($"{uri} answered GET {path} with what cannot be read: {e.Message}", inner: e);
        }
    }

    /// <inheritdoc/>
    public override Task PutAsync(MirrorEntry entry, CancellationToken cancellation)
    {
        List<KeyValuePair<string, string>> form = [new("value", entry.Value)];
        if (options.TtlSeconds > 0)
        {
            form.Insert(0, Ttl());
        }

        return _http.DemandAsync(HttpMethod.Put, PathOf(entry.Key), new FormUrlEncodedContent(form), cancellation);
    }

    /// <inheritdoc/>
    public override async Task RemoveAsync(string key, CancellationToken cancellation)
    {
        string path = PathOf(key) + "?dir=false&recursive=false";
        HttpAnswer answer = await _http.SendAsync(HttpMethod.Delete, path, null, cancellation);
        if (!answer.IsSuccess && ErrorCode(answer) != KeyNotFound)
        {
            throw _http.Refused(HttpMethod.Delete, path, answer);
        }
    }

    /// <inheritdoc/>
    public override async Task<bool> RefreshAsync(IReadOnlyCollection<MirrorEntry> entries, CancellationToken cancellation)
    {
        foreach (MirrorEntry entry in entries)
        {
            string path = PathOf(entry.Key);
            var form = new FormUrlEncodedContent([Ttl(), new("refresh", "true"), new("prevExist", "true"), new("prevValue", entry.Value)]);
            HttpAnswer answer = await _http.SendAsync(HttpMethod.Put, path, form, cancellation);
            if (ErrorCode(answer) is KeyNotFound or CompareFailed)
            {
                return false;
            }

            if (!answer.IsSuccess)
            {
                throw new MirrorException(_http.Refused(HttpMethod.Put, path, answer).Message);
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>etcd's own error code; 0 when the answer is none of etcd's errors.</summary>
    private static int ErrorCode(HttpAnswer answer)
    {
        if (answer.IsSuccess || !answer.Body.StartsWith('{'))
        {
            return 0;
        }

        try
        {
            using var document = JsonDocument.Parse(answer.Body);
            return document.RootElement.TryGetProperty("errorCode", out JsonElement code) ? code.GetInt32() : 0;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return 0;
        }
    }

    private static string PathOf(string key) => $"/v2/keys{MirrorHttp.Escape(key)}";

    private KeyValuePair<string, string> Ttl() => new("ttl", options.TtlSeconds.ToString(CultureInfo.InvariantCulture));

    private void Collect(JsonElement node, List<FoundEntry> found)
    {
        if (node.TryGetProperty("nodes", out JsonElement children))
        {
            foreach (JsonElement child in children.EnumerateArray())
            {
                Collect(child, found);
            }
        }
        else if (node.TryGetProperty("value", out JsonElement value)
            && node.GetProperty("key").GetString() is { } key
            && MirrorLayout.IdOf(uri.Path, key) is { } id)
        {
            bool isLasting = node.TryGetProperty("ttl", out _) == options.TtlSeconds > 0;
            found.Add(new(id, key, value.GetString() ?? "", IsOurs: false, isLasting));
        }
    }
}
