using System.Net;
using System.Text;
using System.Text.Json;

namespace Discovery.Store.Tests.Api;

/// <summary>The gateway and the pages, as curl sees them, on the port that serves gRPC too.</summary>
public sealed class HttpFaceTests : IAsyncLifetime, IDisposable
{
    private readonly HttpClient _http = new();
    private TestStore _store = null!;

    public async Task InitializeAsync() => _store = await TestStore.StartAsync();

    public async Task DisposeAsync() => await _store.DisposeAsync();

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task Puts_and_ranges_in_etcds_json()
    {
        JsonElement put = await PostAsync("/v3/kv/put", """{"key":"Zm9v","value":"YmFy"}""");
        JsonElement range = await PostAsync("/v3/kv/range", """{"key":"Zm9v","range_end":"Zm9w","limit":"5","sort_order":"DESCEND","someday":1}""");

        Assert.Equal("2", put.GetProperty("header").GetProperty("revision").GetString());
        Assert.Equal(["cluster_id", "member_id", "revision", "raft_term"], put.GetProperty("header").EnumerateObject().Select(p => p.Name));
        Assert.Equal("""{"key":"Zm9v","create_revision":"2","mod_revision":"2","version":"1","value":"YmFy"}""", Plain(range.GetProperty("kvs")[0]));
        Assert.Equal("1", range.GetProperty("count").GetString());
        Assert.False(range.TryGetProperty("more", out _));
    }

    [Theory]
    [InlineData("/v3")]
    [InlineData("/v3beta")]
    [InlineData("/v3alpha")]
    public async Task Every_unary_call_has_its_path_under_every_prefix(string prefix)
    {
        await _store.PutAsync("a", "1");
        await PostAsync($"{prefix}/kv/txn", """{"compare":[{"key":"YQ==","target":"VALUE","value":"MQ=="}],"success":[{"requestPut":{"key":"Yg==","value":"Mg=="}}]}""");
        await PostAsync($"{prefix}/kv/compaction", """{"revision":"2"}""");
        await PostAsync($"{prefix}/kv/deleterange", """{"key":"YQ=="}""");
        JsonElement lease = await PostAsync($"{prefix}/lease/grant", """{"TTL":"60","ID":77}""");
        await PostAsync($"{prefix}/lease/timetolive", """{"ID":"77","keys":true}""");
        JsonElement leases = await PostAsync($"{prefix}/kv/lease/leases", "{}");
        JsonElement renewed = await PostAsync($"{prefix}/lease/keepalive", """{"ID":"77"}""");
        await PostAsync($"{prefix}/lease/revoke", """{"ID":"77"}""");
        JsonElement members = await PostAsync($"{prefix}/cluster/member/list", "{}");
        JsonElement status = await PostAsync($"{prefix}/maintenance/status", "");
        JsonElement hash = await PostAsync($"{prefix}/maintenance/hash", "{}");
        JsonElement hashKv = await PostAsync($"{prefix}/maintenance/hashkv", "{}");
        await PostAsync($"{prefix}/maintenance/transfer-leadership", $$"""{"targetID":"{{status.GetProperty("leader").GetString()}}"}""");

        Assert.Equal(("77", "60"), (lease.GetProperty("ID").GetString(), lease.GetProperty("TTL").GetString()));
        Assert.Equal("77", leases.GetProperty("leases")[0].GetProperty("ID").GetString());
        Assert.Equal("60", renewed.GetProperty("result").GetProperty("TTL").GetString());
        Assert.Equal("m1", members.GetProperty("members")[0].GetProperty("name").GetString());
        Assert.Equal(hash.GetProperty("hash").GetUInt32(), hashKv.GetProperty("hash").GetUInt32());
        Assert.Equal("2", hashKv.GetProperty("compact_revision").GetString());
        Assert.Equal("3.5.21", status.GetProperty("version").GetString());
        Assert.Equal("2", (await _store.GetPrefixAsync("b")).Kvs.Single().Value.ToStringUtf8());
    }

    [Theory]
    [InlineData("/v3/kv/put", "{}", 400, 3, "etcdserver: key is not provided")]
    [InlineData("/v3/kv/range", """{"key":"YQ==","revision":"9"}""", 400, 11, "etcdserver: mvcc: required revision is a future revision")]
    [InlineData("/v3/kv/put", """{"key":"YQ==","lease":"9"}""", 404, 5, "etcdserver: requested lease not found")]
    [InlineData("/v3/auth/authenticate", "{}", 400, 9, "etcdserver: authentication is not enabled")]
    [InlineData("/v3/cluster/member/add", """{"peerURLs":["bad"]}""", 400, 3, "etcdserver: given member URLs are invalid")]
    [InlineData("/v3/cluster/member/update", """{"ID":"1","peerURLs":["bad"]}""", 400, 3, "etcdserver: given member URLs are invalid")]
    [InlineData("/v3/cluster/member/remove", """{"ID":"1"}""", 404, 5, "etcdserver: member not found")]
    [InlineData("/v3/cluster/member/promote", """{"ID":"1"}""", 404, 5, "etcdserver: member not found")]
    [InlineData("/v3/maintenance/transfer-leadership", """{"targetID":"1"}""", 400, 9, "etcdserver: bad leader transferee")]
    [InlineData("/v3/maintenance/hashkv", """{"revision":"100"}""", 400, 11, "etcdserver: mvcc: required revision is a future revision")]
    [InlineData("/v3/kv/put", """{"key":"not base64!"}""", 400, 3, null)]
    [InlineData("/v3/kv/put", """{"key":""", 400, 3, null)]
    [InlineData("/v3/kv/put", "[1]", 400, 3, null)]
    public async Task Errors_carry_code_text_and_http_status(string path, string body, int status, int code, string? text)
    {
        using HttpResponseMessage response = await SendAsync(path, body);
        JsonElement error = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;

        Assert.Equal((status, code), ((int)response.StatusCode, error.GetProperty("code").GetInt32()));
        Assert.Equal(error.GetProperty("error").GetString(), error.GetProperty("message").GetString());
        Assert.Equal(text ?? error.GetProperty("message").GetString(), error.GetProperty("message").GetString());
        Assert.Equal(0, error.GetProperty("details").GetArrayLength());
    }

    [Fact]
    public async Task A_body_above_the_limit_is_refused()
    {
        using HttpResponseMessage response = await SendAsync("/v3/kv/put", $$"""{"key":"YQ==","value":"{{new string('A', 4 * 1024 * 1024)}}"}""");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
    }

    [Fact]
    public async Task Watches_line_by_line()
    {
        await _store.PutAsync("a", "1");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_store.Url, "/v3/watch"))
        {
            Content = new StringContent("""{"create_request":{"key":"YQ==","start_revision":"2"}}"""),
        };
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());

        JsonElement created = await NextAsync();
        JsonElement first = await NextAsync();
        await _store.DeleteAsync("a");
        JsonElement second = await NextAsync();

        Assert.True(created.GetProperty("created").GetBoolean());
        Assert.Equal("MQ==", first.GetProperty("events")[0].GetProperty("kv").GetProperty("value").GetString());
        Assert.Equal("""[{"type":"DELETE","kv":{"key":"YQ==","mod_revision":"3"}}]""", Plain(second.GetProperty("events")));

        async Task<JsonElement> NextAsync()
        {
            string? line = await lines.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20));
            return JsonDocument.Parse(line!).RootElement.GetProperty("result");
        }
    }

    [Fact]
    public async Task A_watch_by_json_ends_when_the_server_stops()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_store.Url, "/v3/watch"))
        {
            Content = new StringContent("""{"create_request":{"key":"YQ=="}}"""),
        };
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        await lines.ReadLineAsync();

        await _store.Server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));

        Assert.Contains("etcdserver: server stopped", await lines.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_post_is_taken_by_the_gateway_and_only_get_by_the_pages()
    {
        using HttpResponseMessage get = await _http.GetAsync(new Uri(_store.Url, "/v3/kv/range"));
        using HttpResponseMessage post = await SendAsync("/version", "");
        using HttpResponseMessage nothing = await _http.GetAsync(new Uri(_store.Url, "/nothing"));

        Assert.Equal(
            (HttpStatusCode.MethodNotAllowed, HttpStatusCode.MethodNotAllowed, HttpStatusCode.NotFound),
            (get.StatusCode, post.StatusCode, nothing.StatusCode));
    }

    [Theory]
    [InlineData("/version", """{"etcdserver":"3.5.21","etcdcluster":"3.5.0"}""")]
    [InlineData("/health", """{"health":"true","reason":""}""")]
    [InlineData("/health?serializable=true", """{"health":"true","reason":""}""")]
    [InlineData("/livez", "ok\n")]
    [InlineData("/readyz", "ok\n")]
    [InlineData("/readyz/linearizable_read", "ok\n")]
    [InlineData("/livez?verbose", "[+]serializable_read ok\n/livez check passed\n")]
    public async Task Pages_say_what_etcd_says(string path, string wanted)
    {
        Assert.Equal(wanted, await _http.GetStringAsync(new Uri(_store.Url, path)));
    }

    [Fact]
    public async Task A_check_that_does_not_exist_is_not_found()
    {
        using HttpResponseMessage response = await _http.GetAsync(new Uri(_store.Url, "/readyz/luck"));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task Metrics_have_etcds_names()
    {
        await _store.PutAsync("a", "1");

        string[] lines = (await _http.GetStringAsync(new Uri(_store.Url, "/metrics"))).Split('\n');

        Assert.Contains("etcd_server_has_leader 1", lines);
        Assert.Contains("etcd_server_is_leader 1", lines);
        Assert.Contains("etcd_server_is_learner 0", lines);
        Assert.Contains("etcd_debugging_mvcc_keys_total 1", lines);
        Assert.Contains(lines, line => line.StartsWith("process_resident_memory_bytes ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_port_speaks_http_1_and_cleartext_http_2()
    {
        string url = new Uri(_store.Url, "/version").ToString();

        string first = await ToolProcess.RunAsync("curl", "", "-s", "--http1.1", "-w", "%{http_version}", url);
        string second = await ToolProcess.RunAsync("curl", "", "-s", "--http2-prior-knowledge", "-w", "%{http_version}", url);

        Assert.EndsWith("}1.1\n", first, StringComparison.Ordinal);
        Assert.EndsWith("}2\n", second, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_whose_first_bytes_come_one_by_one_is_understood()
    {
        using var socket = new System.Net.Sockets.TcpClient { NoDelay = true };
        await socket.ConnectAsync(_store.Url.Host, _store.Url.Port);
        System.Net.Sockets.NetworkStream stream = socket.GetStream();
        foreach (byte b in Encoding.ASCII.GetBytes("POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"))
        {
            await stream.WriteAsync(new[] { b });
        }

        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 400", await reader.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20)), StringComparison.Ordinal);
    }

    private async Task<JsonElement> PostAsync(string path, string body)
    {
        using HttpResponseMessage response = await SendAsync(path, body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    private Task<HttpResponseMessage> SendAsync(string path, string body) =>
        _http.PostAsync(new Uri(_store.Url, path), new StringContent(body, Encoding.UTF8));

    private static string Plain(JsonElement json) => JsonSerializer.Serialize(json);
}
