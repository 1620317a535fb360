using System.Text.Json;
using Discovery.Testing;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>Debian's etcd, one member.</summary>
/// <param name="isV2">Whether it serves the v2 API, whose content is what counts then.</param>
internal sealed class EtcdStore(bool isV2) : ForeignStore
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly int _peerPort = FreePort.Next();

    /// <summary>Its address.</summary>
    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <inheritdoc/>
    public override async Task<SortedDictionary<string, string>> ContentAsync()
    {
        var content = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (isV2)
        {
            using var document = JsonDocument.Parse(await _http.GetStringAsync(new Uri(Url, "/v2/keys/?recursive=true&quorum=true")));
            Collect(document.RootElement.GetProperty("node"), content);
        }
        else
        {
            using var document = JsonDocument.Parse(await new Etcdctl(Url).RunAsync("get", "", "--from-key", "-w", "json"));
            if (document.RootElement.TryGetProperty("kvs", out JsonElement pairs))
            {
                foreach (JsonElement pair in pairs.EnumerateArray())
                {
                    content[Text(pair.GetProperty("key"))] = Text(pair.GetProperty("value"));
                }
            }
        }

        return content;
    }

    /// <inheritdoc/>
    public override async Task WriteAsync(string key, string value)
    {
        if (!isV2)
        {
            await new Etcdctl(Url).RunAsync("put", key, value);
            return;
        }

        using var form = new FormUrlEncodedContent([new("value", value)]);
        (await _http.PutAsync(new Uri(Url, $"/v2/keys{key}"), form)).EnsureSuccessStatusCode();
    }

    /// <summary>The v2 node of a key, as JSON.</summary>
    public async Task<JsonElement> NodeAsync(string key)
    {
        using var document = JsonDocument.Parse(await _http.GetStringAsync(new Uri(Url, $"/v2/keys{key}?quorum=true")));
        return document.RootElement.GetProperty("node").Clone();
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        _http.Dispose();
        return base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override RunningProcess Launch()
    {
        string peer = $"http://127.0.0.1:{_peerPort}";
        return RunningProcess.Start("etcd",
        [
            $"--enable-v2={(isV2 ? "true" : "false")}",
            "--data-dir", Data,
            "--listen-client-urls", Url.GetLeftPart(UriPartial.Authority),
            "--advertise-client-urls", Url.GetLeftPart(UriPartial.Authority),
            "--listen-peer-urls", peer,
            "--initial-advertise-peer-urls", peer,
            "--initial-cluster", $"default={peer}",
        ]);
    }

    /// <inheritdoc/>
    protected override async Task<bool> IsServingAsync() =>
        (await _http.GetStringAsync(new Uri(Url, "/health"))).Contains("true", StringComparison.Ordinal);

    private static string Text(JsonElement base64) => System.Text.Encoding.UTF8.GetString(base64.GetBytesFromBase64());

    private static void Collect(JsonElement node, SortedDictionary<string, string> content)
    {
        if (node.TryGetProperty("nodes", out JsonElement nodes))
        {
            foreach (JsonElement child in nodes.EnumerateArray())
            {
                Collect(child, content);
            }
        }
        else if (node.TryGetProperty("value", out JsonElement value))
        {
            content[node.GetProperty("key").GetString()!] = value.GetString()!;
        }
    }
}
