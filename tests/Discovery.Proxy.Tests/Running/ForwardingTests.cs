using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Discovery.Catalog;
using Discovery.Testing;
using Microsoft.AspNetCore.Http;
using static Discovery.Proxy.Tests.Catalogs;

namespace Discovery.Proxy.Tests.Running;

/// <summary>What happens to a request on its way: real sockets on both sides.</summary>
public sealed class ForwardingTests
{
    [Fact]
    public async Task No_request_fails_when_one_of_two_instances_dies()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend stays = await Backend.StartAsync("stays");
        Backend dies = await Backend.StartAsync("dies");
        await proxy.RegisterAsync(stays.Instance("web", 1, Route()), dies.Instance("web", 2, Route()));
        await proxy.RoutedAsync("web", available: 2);
        await Eventually.HoldsAsync(async () => (await proxy.GetAsync("web.localhost")).Body == "dies");
        await dies.DisposeAsync();

        // Bodies too: none of a body is read before a connection stands.
        for (int i = 0; i < 200; i++)
        {
            using var body = new StringContent(new string('x', 10_000));
            using HttpResponseMessage answer = await proxy.SendAsync(
                "web.localhost", method: i % 2 == 0 ? HttpMethod.Get : HttpMethod.Post, content: i % 2 == 0 ? null : body);
            Assert.Equal((i, HttpStatusCode.OK), (i, answer.StatusCode));
        }

        long retries = await proxy.MetricAsync("retries_total");
        Assert.InRange(retries, 1, 20);
    }

    [Fact]
    public async Task An_instance_that_is_back_gets_requests_again()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend stays = await Backend.StartAsync("stays");
        await using Backend back = await Backend.StartAsync("back");
        using var nobody = new TcpListener(IPAddress.Loopback, 0);
        nobody.Start();
        int port = ((IPEndPoint)nobody.LocalEndpoint).Port;
        nobody.Stop();
        ServiceInstance away = back.Instance("web", 2, Route()) with { Port = port };
        await proxy.RegisterAsync(stays.Instance("web", 1, Route()), away);
        await proxy.RoutedAsync("web", available: 2);
        await Eventually.HoldsAsync(async () =>
        {
            Assert.Equal("stays", (await proxy.GetAsync("web.localhost")).Body);
            return (await proxy.AdminAsync("/routes")).Body.Contains("\"avoided\": true", StringComparison.Ordinal);
        });

        // The same endpoint answers again: a relay to the living server stands where nobody was.
        using var relay = new Relay(port, back.Port);
        await Eventually.HoldsAsync(async () => (await proxy.GetAsync("web.localhost")).Body == "back");
    }

    [Fact]
    public async Task When_every_instance_fails_502_names_them_and_what_failed()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        Backend one = await Backend.StartAsync();
        Backend two = await Backend.StartAsync();
        await proxy.RegisterAsync(one.Instance("web", 1, Route()), two.Instance("web", 2, Route()));
        await proxy.RoutedAsync("web", available: 2);
        await one.DisposeAsync();
        await two.DisposeAsync();

        WebAnswer answer = await proxy.GetAsync("web.localhost");

        Assert.Equal(HttpStatusCode.BadGateway, answer.Status);
        Assert.Equal(
            ["502 Service web did not answer:", "  h1:web-1:80: connection refused", "  h1:web-2:80: connection refused"],
            answer.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal).OrderBy(l => l.StartsWith(' ')));
    }

    [Fact]
    public async Task A_request_whose_connection_breaks_before_the_answer_is_repeated_only_when_that_is_harmless()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend good = await Backend.StartAsync("good");
        await using Backend bad = await Backend.StartAsync(handler: context =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        await proxy.RegisterAsync(good.Instance("web", 1, Route()), bad.Instance("web", 2, Route()), bad.Instance("alone", 1, Route()));
        await proxy.RoutedAsync("alone", available: 1);

        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("good", (await proxy.GetAsync("web.localhost")).Body);
        }

        int before = bad.Requests;
        Assert.True(before > 0);
        using var body = new StringContent("order 1 pizza");
        using HttpResponseMessage order = await proxy.SendAsync("alone.localhost", method: HttpMethod.Post, content: body);
        Assert.Equal(HttpStatusCode.BadGateway, order.StatusCode);
        Assert.Equal(before + 1, bad.Requests);
        Assert.Contains("closed the connection", await order.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_that_goes_away_is_no_failure_of_the_instance()
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend slow = await Backend.StartAsync(handler: async context =>
        {
            using CancellationTokenRegistration gone = context.RequestAborted.Register(seen.SetResult);
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        });
        await proxy.RegisterAsync(slow.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, proxy.Url.Port);
            await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n"u8.ToArray());
            await Eventually.HoldsAsync(() => slow.Requests == 1);
        }

        // The instance hears of it, and nothing but the client is blamed.
        await seen.Task.WaitAsync(Eventually.Patience);
        await Eventually.HoldsAsync(async () => await proxy.MetricAsync("errors_total{reason=\"client\"}") == 1);
        Assert.Equal(0, await proxy.MetricAsync("retries_total"));
        Assert.Equal(0, await proxy.MetricAsync("requests_in_flight"));
        Assert.Contains("\"avoided\": false", (await proxy.AdminAsync("/routes")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_instance_learns_who_asked_and_for_what()
    {
        IHeaderDictionary? got = null;
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync(handler: context =>
        {
            got = new HeaderDictionary(context.Request.Headers.ToDictionary());
            return Task.CompletedTask;
        });
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);

        (await proxy.SendAsync("web.localhost:8080")).Dispose();
        Assert.Equal("web.localhost:8080", got!.Host);
        Assert.Equal("127.0.0.1", got["X-Forwarded-For"]);
        Assert.Equal("http", got["X-Forwarded-Proto"]);
        Assert.Equal("web.localhost:8080", got["X-Forwarded-Host"]);
        Assert.False(got.ContainsKey("traceparent"));

        (await proxy.SendAsync("web.localhost", with: request =>
        {
            request.Headers.Add("X-Forwarded-For", "203.0.113.7");
            request.Headers.Add("X-Forwarded-Proto", "https");
        })).Dispose();
        Assert.Equal("203.0.113.7, 127.0.0.1", got["X-Forwarded-For"]);
        Assert.Equal("https, http", got["X-Forwarded-Proto"]);
    }

    [Fact]
    public async Task Headers_of_one_hop_stay_on_it_and_other_bytes_pass_unchanged()
    {
        IHeaderDictionary? got = null;
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync(handler: context =>
        {
            got = new HeaderDictionary(context.Request.Headers.ToDictionary());
            context.Response.Headers["Keep-Alive"] = "timeout=5";
            context.Response.Headers["X-Kept"] = "yes";
            return Task.CompletedTask;
        });
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, proxy.Url.Port);
        NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.UTF8.GetBytes(
            "GET / HTTP/1.0\r\nHost: web.localhost\r\nConnection: X-Hop, Host\r\nX-Hop: 1\r\nKeep-Alive: 9\r\n"
            + "Proxy-Authorization: secret\r\nTE: gzip\r\nX-Name: Zoë\r\n\r\n"));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        string response = await reader.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 200", response, StringComparison.Ordinal);
        Assert.All(["X-Hop", "Keep-Alive", "Proxy-Authorization", "TE"], name => Assert.False(got!.ContainsKey(name), name));
        Assert.Equal("web.localhost", got!.Host);
        Assert.Equal("Zoë", got["X-Name"]);
        Assert.Equal("127.0.0.1", got["X-Forwarded-For"]);
        Assert.Contains("X-Kept: yes", response, StringComparison.Ordinal);
        Assert.DoesNotContain("Keep-Alive", response, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/a%20b/%C3%A4?x=%20&y=a+b", "/a%20b/%C3%A4?x=%20&y=a+b")]
    [InlineData("/a%2Fb", "/a%2Fb")]
    [InlineData("/a%2541", "/a%2541")]
    [InlineData("/x/../a/./b", "/a/b")]
    [InlineData("/a//b/", "/a//b/")]
    public async Task The_path_arrives_as_it_was_asked_for(string sent, string arrives)
    {
        string? target = null;
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync(handler: context =>
        {
            target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
            return Task.CompletedTask;
        });
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, proxy.Url.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"GET {sent} HTTP/1.1\r\nHost: web.localhost\r\nConnection: close\r\n\r\n"));
        using var reader = new StreamReader(client.GetStream());
        await reader.ReadToEndAsync();

        Assert.Equal(arrives, target);
    }

    [Fact]
    public async Task A_WebSocket_passes_both_ways_and_a_stop_does_not_wait_for_it()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync(handler: async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            byte[] buffer = new byte[1024];
            while (await socket.ReceiveAsync(buffer, CancellationToken.None) is { CloseStatus: null } message)
            {
                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, CancellationToken.None);
            }
        });
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Host", "web.localhost");
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{proxy.Url.Port}/chat"), CancellationToken.None);
        byte[] buffer = new byte[1024];
        foreach (string text in new[] { "one", "two" })
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, CancellationToken.None);
            ValueWebSocketReceiveResult echo = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
            Assert.Equal(text, Encoding.UTF8.GetString(buffer, 0, echo.Count));
        }

        await proxy.Server.StopAsync().WaitAsync(Limits.Stop / 2);
        await Assert.ThrowsAsync<WebSocketException>(async () => await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None));
    }

    [Fact]
    public async Task Large_bodies_stream_through_in_both_directions()
    {
        const int Size = 64 * 1024 * 1024;
        byte[] content = new byte[Size];
        new Random(1).NextBytes(content);
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync(handler: async context =>
        {
            if (HttpMethods.IsPut(context.Request.Method))
            {
                await context.Response.WriteAsync(Convert.ToHexString(await SHA256.HashDataAsync(context.Request.Body)));
            }
            else
            {
                await context.Response.Body.WriteAsync(content);
            }
        });
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);

        using var body = new StreamContent(new MemoryStream(content));
        using HttpResponseMessage uploaded = await proxy.SendAsync("web.localhost", method: HttpMethod.Put, content: body);
        using HttpResponseMessage downloaded = await proxy.SendAsync("web.localhost");

        Assert.Equal(Convert.ToHexString(SHA256.HashData(content)), await uploaded.Content.ReadAsStringAsync());
        Assert.Equal(SHA256.HashData(content), await SHA256.HashDataAsync(await downloaded.Content.ReadAsStreamAsync()));
    }

    [Fact]
    public async Task The_first_bytes_of_an_answer_arrive_before_its_end()
    {
        var release = new TaskCompletionSource();
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync(handler: async context =>
        {
            await context.Response.WriteAsync("first\n");
            await context.Response.Body.FlushAsync();
            await release.Task;
            await context.Response.WriteAsync("last\n");
        });
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);

        using HttpResponseMessage response = await proxy.SendAsync("web.localhost");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        Assert.Equal("first", await reader.ReadLineAsync());
        release.SetResult();
        Assert.Equal("last", await reader.ReadLineAsync());
    }

    [Fact]
    public async Task A_stop_lets_requests_in_flight_finish()
    {
        var release = new TaskCompletionSource();
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync(handler: async context =>
        {
            await release.Task;
            await context.Response.WriteAsync("finished");
        });
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);
        Task<WebAnswer> request = proxy.GetAsync("web.localhost");
        await Eventually.HoldsAsync(() => backend.Requests == 1);

        Task stop = proxy.Server.StopAsync();
        await Eventually.HoldsAsync(async () => (await proxy.AdminAsync("/readyz")).Status == HttpStatusCode.ServiceUnavailable);
        release.SetResult();

        Assert.Equal("finished", (await request).Body);
        await stop;
    }

    /// <summary>Passes one port's connections on to another.</summary>
    private sealed class Relay : IDisposable
    {
        private readonly TcpListener _listener;

        public Relay(int from, int to)
        {
            _listener = new TcpListener(IPAddress.Loopback, from);
            _listener.Start();
            _ = AcceptAsync(to);
        }

        public void Dispose() => _listener.Dispose();

        private async Task AcceptAsync(int to)
        {
            try
            {
                while (true)
                {
                    _ = PassAsync(await _listener.AcceptTcpClientAsync(), to);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
            }
        }

        private static async Task PassAsync(TcpClient client, int to)
        {
            using (client)
            using (var server = new TcpClient())
            {
                await server.ConnectAsync(IPAddress.Loopback, to);
                await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream()), server.GetStream().CopyToAsync(client.GetStream()));
            }
        }
    }
}
