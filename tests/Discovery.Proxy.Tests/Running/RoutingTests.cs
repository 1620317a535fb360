using System.Net;
using System.Text.Json;
using Discovery.Catalog;
using Discovery.Testing;
using static Discovery.Proxy.Tests.Catalogs;

namespace Discovery.Proxy.Tests.Running;

/// <summary>What is registered is routed: real stores of both engines, real servers, real sockets.</summary>
public sealed class RoutingTests
{
    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task A_service_is_reached_by_its_name_its_host_and_its_path(StoreEngine engine)
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync(engine);
        await using Backend shop = await Backend.StartAsync("shop");
        await using Backend api = await Backend.StartAsync("api");
        await proxy.RegisterAsync(
            shop.Instance("shop", 1, Route(), Route("shop.test", source: "label discovery.host")),
            api.Instance("api", 1, Route("shop.test", "/api", source: "label discovery.path")));
        await proxy.RoutedAsync("api", available: 1);

        Assert.Equal("shop", (await proxy.GetAsync("shop.localhost")).Body);
        Assert.Equal("shop", (await proxy.GetAsync("SHOP.test:8080", "/apis")).Body);
        Assert.Equal("api", (await proxy.GetAsync("shop.test", "/api/v1?q=1")).Body);
        Assert.Equal(HttpStatusCode.NotFound, (await proxy.GetAsync("api.localhost")).Status);
        Assert.Equal(2, shop.Requests);
    }

    [Fact]
    public async Task Requests_follow_a_change_within_a_short_time()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend old = await Backend.StartAsync("old");
        await using Backend moved = await Backend.StartAsync("new");
        await proxy.RegisterAsync(old.Instance("web", 1, Route()));
        await Eventually.HoldsAsync(async () => (await proxy.GetAsync("web.localhost")).Body == "old");

        await proxy.RegisterAsync(moved.Instance("web", 1, Route()));

        await Eventually.HoldsAsync(async () => (await proxy.GetAsync("web.localhost")).Body == "new", within: TimeSpan.FromSeconds(2));
        await proxy.ForgetAsync(moved.Instance("web", 1, Route()));
        await Eventually.HoldsAsync(async () => (await proxy.GetAsync("web.localhost")).Status == HttpStatusCode.NotFound, within: TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_service_without_a_healthy_instance_is_503_and_says_how_each_one_is()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync();
        await proxy.RegisterAsync(
            backend.Instance("web", 1, Route()) with { Health = Health.Critical },
            backend.Instance("web", 2, Route()) with { State = InstanceState.Draining });
        await proxy.RoutedAsync("web", available: 0);

        using HttpResponseMessage response = await proxy.SendAsync("web.localhost");
        WebAnswer json = await proxy.GetAsync("web.localhost", accept: "application/json");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("1", response.Headers.GetValues("Retry-After").Single());
        Assert.Equal(
            """
            503 Service web is routed, but none of its instances takes requests:
              h1:web-1:80: critical
              h1:web-2:80: passing, draining

            """,
            await response.Content.ReadAsStringAsync());
        using JsonDocument parsed = JsonDocument.Parse(json.Body);
        Assert.Equal("web", parsed.RootElement.GetProperty("service").GetString());
        Assert.Equal("critical", parsed.RootElement.GetProperty("details").GetProperty("h1:web-1:80").GetString());
        Assert.Equal(0, backend.Requests);
    }

    [Fact]
    public async Task A_host_that_nobody_routes_is_404_and_says_what_would()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync();
        await proxy.RegisterAsync(backend.Instance("api", 1, Route("api.test", "/v1")));
        await proxy.RoutedAsync("api", available: 1);

        WebAnswer foreign = await proxy.GetAsync("unknown.test");
        WebAnswer own = await proxy.GetAsync("hello.localhost");
        WebAnswer path = await proxy.GetAsync("api.test", "/v2");

        Assert.All([foreign, own, path], answer => Assert.Equal(HttpStatusCode.NotFound, answer.Status));
        Assert.Contains("discovery.host=unknown.test", foreign.Body, StringComparison.Ordinal);
        Assert.Contains("SERVICE_NAME=hello ", own.Body, StringComparison.Ordinal);
        Assert.Contains("/v1: service api", path.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task The_table_stays_when_the_store_is_away_and_readyz_says_so(StoreEngine engine)
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync(engine);
        await using Backend backend = await Backend.StartAsync();
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        await proxy.RoutedAsync("web", available: 1);

        await proxy.Store.KillAsync();

        await Eventually.HoldsAsync(async () => (await proxy.AdminAsync("/readyz")).Body.Contains("is away", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, (await proxy.AdminAsync("/readyz")).Status);
        Assert.Equal(0, await proxy.MetricAsync("store_connected"));
        Assert.Equal("ok", (await proxy.GetAsync("web.localhost")).Body);

        await proxy.Store.StartAgainAsync();
        await proxy.RegisterAsync(backend.Instance("again", 1, Route()));
        await proxy.RoutedAsync("again", available: 1);
        Assert.Equal(1, await proxy.MetricAsync("store_connected"));
    }

    [Fact]
    public async Task Without_a_first_table_requests_wait_a_little_and_then_get_503()
    {
        await using ProxyServer server = await RunningProxy.StartOnAsync($"etcd://127.0.0.1:{FreePort.Next()}");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await WebProbe.GetAsync(new Uri(server.AdminUrl, "/readyz"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await WebProbe.GetAsync(new Uri(server.AdminUrl, "/healthz"))).Status);
        WebAnswer answer = await WebProbe.GetAsync(server.Urls[0], "web.localhost");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status);
        Assert.Contains("No routes yet", answer.Body, StringComparison.Ordinal);
    }

    /// <summary>Goal: no request is refused between the opening of the port and the first read of the catalog.</summary>
    [Fact]
    public async Task A_restarted_proxy_refuses_nobody()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync();
        await proxy.RegisterAsync(backend.Instance("web", 1, Route()));
        for (int restart = 0; restart < 5; restart++)
        {
            await using ProxyServer again = await RunningProxy.StartOnAsync(proxy.Store.Flag, name: "again");

            Assert.Equal("ok", (await WebProbe.GetAsync(again.Urls[0], "web.localhost")).Body);
        }
    }

    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task The_proxy_announces_itself_and_takes_that_back_when_it_stops(StoreEngine engine)
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync(engine);
        await using Backend backend = await Backend.StartAsync();
        await Eventually.HoldsAsync(async () => await proxy.RecordAsync() is not null);
        ProxyRecord record = (await proxy.RecordAsync())!;
        Assert.Equal($"{Environment.MachineName}-{proxy.Url.Port}", record.Name);
        Assert.Equal("localhost", record.Domain);

        await proxy.Server.StopAsync();

        Assert.Null(await proxy.RecordAsync());
        await Assert.ThrowsAsync<HttpRequestException>(() => proxy.GetAsync("web.localhost"));
    }

    /// <summary>
    /// Goal: a drain can rely on the record. It names the draining instance with its requests in flight, says so at once,
    /// and says at once that there are none left; the request itself is finished.
    /// </summary>
    [Theory]
    [InlineData(StoreEngine.Bundled)]
    [InlineData(StoreEngine.Etcd)]
    public async Task A_draining_instance_is_announced_at_once_with_its_requests_in_flight(StoreEngine engine)
    {
        var release = new TaskCompletionSource();
        await using RunningProxy proxy = await RunningProxy.StartAsync(engine);
        await using Backend backend = await Backend.StartAsync(handler: async context =>
        {
            await release.Task;
            await context.Response.Body.WriteAsync("done"u8.ToArray());
        });
        ServiceInstance instance = backend.Instance("web", 1, Route());
        await proxy.RegisterAsync(instance);
        await proxy.RoutedAsync("web", available: 1);
        await Eventually.HoldsAsync(async () => await proxy.RecordAsync() is not null);
        Task<WebAnswer> slow = proxy.GetAsync("web.localhost");
        await Eventually.HoldsAsync(() => backend.Requests == 1);

        await proxy.RegisterAsync(instance with { State = InstanceState.Draining });

        await Eventually.HoldsAsync(async () => (await proxy.RecordAsync())!.Draining.GetValueOrDefault(instance.Id, -1) == 1, within: TimeSpan.FromSeconds(3));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await proxy.GetAsync("web.localhost")).Status);
        release.SetResult();
        Assert.Equal("done", (await slow).Body);
        await Eventually.HoldsAsync(async () => (await proxy.RecordAsync())!.Draining.GetValueOrDefault(instance.Id, -1) == 0, within: TimeSpan.FromSeconds(3));

        await proxy.ForgetAsync(instance);
        await Eventually.HoldsAsync(async () => (await proxy.RecordAsync())!.Draining.IsEmpty, within: TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task The_admin_pages_are_on_the_admin_listener_only()
    {
        await using RunningProxy proxy = await RunningProxy.StartAsync();
        await using Backend backend = await Backend.StartAsync("mine");
        await proxy.RegisterAsync(backend.Instance("web", 1, Route(), Route("*.test")));
        await proxy.RoutedAsync("web", available: 1);

        Assert.Equal("mine", (await proxy.GetAsync("web.localhost", "/metrics")).Body);
        Assert.Equal(HttpStatusCode.NotFound, (await proxy.GetAsync($"127.0.0.1:{proxy.Server.AdminUrl.Port}", "/metrics")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await WebProbe.GetAsync(proxy.Server.AdminUrl, "web.localhost")).Status);

        using JsonDocument routes = JsonDocument.Parse((await proxy.AdminAsync("/routes")).Body);
        JsonElement route = Assert.Single(routes.RootElement.GetProperty("routes").EnumerateArray());
        Assert.Equal(("web.localhost", "/", "SERVICE_NAME"), (route.GetProperty("host").GetString(), route.GetProperty("path").GetString(), route.GetProperty("source").GetString()));
        Assert.Equal("passing", route.GetProperty("destinations")[0].GetProperty("health").GetString());
        Assert.Contains("wildcards", Assert.Single(routes.RootElement.GetProperty("problems").EnumerateArray()).GetProperty("reason").GetString(), StringComparison.Ordinal);
    }
}
