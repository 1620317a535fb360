using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Discovery.Testing;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>Debian 11's Consul, one server. Content is its key-value pairs, or its agent's services as <c>id = name ip:port [tags]</c>.</summary>
/// <param name="isKv">Which of the two.</param>
/// <param name="settings">Further settings, HCL.</param>
/// <param name="token">The token that tests use.</param>
internal sealed class ConsulStore(bool isKv, string settings = "", string? token = null) : ForeignStore
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(5) };
    private readonly int _serverPort = FreePort.Next();
    private readonly int _gossipPort = FreePort.Next();

    /// <summary>Its Unix socket.</summary>
    public string Socket => Folder["http.sock"];

    private Uri Url => new($"http://127.0.0.1:{Port}");

    // Unpacked there by tests/run.sh, since Debian 12 has no package of it.
    private static string Program => Path.Combine(Repository.Artifacts, "tools", "consul") is var unpacked && File.Exists(unpacked) ? unpacked : "consul";

    /// <summary>What the agent answers to a GET.</summary>
    public async Task<JsonElement> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Url, path));
        AddToken(request);
        using HttpResponseMessage response = await _http.SendAsync(request);
        return await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <inheritdoc/>
    public override async Task<SortedDictionary<string, string>> ContentAsync()
    {
        var content = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (!isKv)
        {
            foreach (JsonProperty service in (await GetAsync("/v1/agent/services")).EnumerateObject())
            {
                JsonElement s = service.Value;
                string tags = string.Join(',', s.GetProperty("Tags").EnumerateArray().Select(static t => t.GetString()));
                content[service.Name] = $"{s.GetProperty("Service")} {s.GetProperty("Address")}:{s.GetProperty("Port")} [{tags}]";
            }

            return content;
        }

        using HttpResponseMessage response = await _http.GetAsync(new Uri(Url, "/v1/kv/?recurse=true&consistent="));
        if (response.IsSuccessStatusCode)
        {
            foreach (JsonElement pair in (await response.Content.ReadFromJsonAsync<JsonElement>()).EnumerateArray())
            {
                content[pair.GetProperty("Key").GetString()!] = Encoding.UTF8.GetString(pair.GetProperty("Value").GetBytesFromBase64());
            }
        }

        return content;
    }

    /// <inheritdoc/>
    public override Task WriteAsync(string key, string value) => isKv
        ? PutAsync($"/v1/kv/{key}", new StringContent(value))
        : PutAsync("/v1/agent/service/register", JsonContent.Create(new { ID = key, Name = value, Port = 1 }));

    /// <summary>A PUT that must succeed.</summary>
    public async Task PutAsync(string path, HttpContent? content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(Url, path)) { Content = content };
        AddToken(request);
        using HttpResponseMessage response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
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
        // A killed one leaves its socket behind and does not take it over.
        File.Delete(Socket);
        return RunningProcess.Start(Program,
        [
            "agent", "-server", "-bootstrap", "-node", "n1", "-data-dir", Data, "-bind", "127.0.0.1",
            "-http-port", $"{Port}", "-server-port", $"{_serverPort}", "-serf-lan-port", $"{_gossipPort}",
            "-serf-wan-port", "-1", "-dns-port", "-1", "-grpc-port", "-1",
            "-hcl", $"addresses {{ http = \"127.0.0.1 unix://{Socket}\" }} performance {{ raft_multiplier = 1 }} disable_update_check = true {settings}",
        ]);
    }

    /// <inheritdoc/>
    protected override async Task<bool> IsServingAsync()
    {
        if ((await GetAsync("/v1/status/leader")).GetString() is not { Length: > 0 })
        {
            return false;
        }

        // A leader that has not applied its own beginnings refuses writes.
        await PutAsync("/v1/kv/ready", new StringContent(""));
        using var request = new HttpRequestMessage(HttpMethod.Delete, new Uri(Url, "/v1/kv/ready"));
        AddToken(request);
        using HttpResponseMessage response = await _http.SendAsync(request);
        return response.IsSuccessStatusCode;
    }

    private void AddToken(HttpRequestMessage request)
    {
        if (token is not null)
        {
            request.Headers.Add("X-Consul-Token", token);
        }
    }
}
