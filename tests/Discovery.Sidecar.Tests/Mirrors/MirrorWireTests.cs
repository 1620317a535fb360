using System.Collections.Concurrent;
using Discovery.Catalog;
using Discovery.Sidecar.Mirrors;
using Discovery.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>Goal: the writes are registrator's, byte for byte. How: a server that answers like an empty backend and keeps what it is sent.</summary>
public sealed class MirrorWireTests : IAsyncLifetime
{
    private static readonly MirroredService Web = new()
    {
        Id = "host1:web-1:80",
        Name = "web",
        Ip = "10.0.0.1",
        Port = 32770,
        Attrs = EquatableMap.From([KeyValuePair.Create("check_tcp", "true")]),
    };

    private readonly ConcurrentQueue<string> _writes = [];
    private readonly int _port = FreePort.Next();
    private WebApplication? _server;

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{_port}");
        _server = builder.Build();
        _server.Run(AnswerAsync);
        await _server.StartAsync();
    }

    public async Task DisposeAsync() => await _server!.DisposeAsync();

    [Theory]
    [InlineData("etcd2", "PUT /v2/keys/services/web/host1%3Aweb-1%3A80 ttl=15&value=10.0.0.1%3A32770")]
    [InlineData("consulkv", "PUT /v1/kv/services/web/host1%3Aweb-1%3A80 10.0.0.1:32770")]
    [InlineData(
        "consul",
        """PUT /v1/agent/service/register {"ID":"host1:web-1:80","Name":"web","Port":32770,"Address":"10.0.0.1","Meta":{"check_tcp":"true"},"Check":{"Interval":"10s","TCP":"10.0.0.1:32770"},"Checks":null}""")]
    public async Task Registration_is_sent_as_registrator_sends_it(string scheme, string expected)
    {
        var options = new MirrorOptions { Host = "host1", Ttl = TimeSpan.FromSeconds(15), TtlRefresh = TimeSpan.FromSeconds(10) };
        string? Token(string name) => name == "CONSUL_HTTP_TOKEN" && scheme != "etcd2" ? "secret" : null;
        await using var mirror = new RunningMirror($"{scheme}://127.0.0.1:{_port}/services", options, Token);

        await mirror.ReachAsync(Web);

        Assert.Equal([expected + (scheme == "etcd2" ? "" : " with token secret")], _writes);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        string body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        if (context.Request.Method != HttpMethods.Get)
        {
            string token = context.Request.Headers.TryGetValue("X-Consul-Token", out var value) ? $" with token {value}" : "";
            string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
            _writes.Enqueue($"{context.Request.Method} {target} {body}{token}");
            await context.Response.WriteAsync("true");
            return;
        }

        bool isAgent = context.Request.Path.StartsWithSegments("/v1/agent", StringComparison.Ordinal);
        context.Response.StatusCode = isAgent ? 200 : 404;
        await context.Response.WriteAsync(isAgent ? "{}" : """{"errorCode":100,"message":"Key not found","cause":"/services","index":3}""");
    }
}
