using System.Reflection;
using Discovery.Catalog;
using Discovery.Dashboard.Components.Pages;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.JSInterop;

namespace Discovery.Dashboard.Tests;

/// <summary>Pages rendered to HTML by the framework itself, from a state given to them.</summary>
public sealed class PagesTests
{
    private static readonly FeedState Nothing = Sample.Feed(Sample.Catalog());

    [Fact]
    public async Task The_front_page_shows_leader_term_and_what_is_wrong()
    {
        FeedState feed = Sample.Feed(
            Sample.Catalog(Sample.Instance("web", "h1", 1, Health.Critical, "HTTP 500 <b>")), Sample.Member(1, "store-1", 2), Sample.Member(2, "store-2", 2));

        string html = await RenderAsync<Overview>(feed);

        Assert.Contains("<dd>store-2</dd>", html, StringComparison.Ordinal);
        Assert.Contains("<dt>Term</dt><dd>3</dd>", html, StringComparison.Ordinal);
        Assert.Contains("href=\"/services/web\"", html, StringComparison.Ordinal);
        Assert.Contains("HTTP 500 &lt;b&gt;", html, StringComparison.Ordinal);
        Assert.Contains("href=\"/services?health=critical\"", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_shows_all_that_is_known_of_its_instances()
    {
        ServiceInstance instance = Sample.Instance("web", "h1", 1, Health.Warning, "slow", new InstanceRoute { Source = "SERVICE_NAME" }) with
        {
            Tags = ["blue"],
            State = InstanceState.Draining,
            Rejected = [new RejectedLabel("discovery.prot", "8080", "unknown label; did you mean discovery.port?")],
        };

        string html = await RenderAsync<OneService>(
            Sample.Feed(Sample.Catalog(instance).WithProxy(new() { Name = "p", Domain = "localhost" })), ("Name", "web"));

        Assert.All(
            ["web-1", "0123456789ab", "10.0.0.7:32001", "h1", "shop/web:7", "slow", "blue", "draining", "warning", "web.localhost", "SERVICE_NAME",
                "discovery.prot=8080", "did you mean discovery.port?", "title=\"2026-11-20 11:55:00 UTC\"", "5 min ago"],
            text => Assert.Contains(text, html, StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_unhealthy_instance_is_open_and_a_healthy_one_among_many_is_not()
    {
        string html = await RenderAsync<OneService>(
            Sample.Feed(Sample.Catalog(Sample.Instance("web", "h1", 1), Sample.Instance("web", "h1", 2), Sample.Instance("web", "h1", 3, Health.Critical))),
            ("Name", "web"));

        Assert.Equal(4, html.Split("<details class=\"instance\"").Length);
        Assert.Equal(2, html.Split("<details class=\"instance\" open>").Length);
    }

    [Fact]
    public async Task Hosts_show_warnings_and_refused_containers_with_reasons()
    {
        HostRecord host = new()
        {
            Name = "h1",
            Address = "10.0.0.1",
            EngineVersion = "27.1",
            SidecarVersion = "0.1.0",
            Warnings = ["reachable from this host only; add -ip"],
            Refused = [new RefusedContainer("c1", "Batch", "the name is no service name")],
        };

        string html = await RenderAsync<Hosts>(Sample.Feed(Sample.Catalog().WithHost(host)));

        Assert.All(
            ["10.0.0.1", "27.1", "0.1.0", "reachable from this host only; add -ip", "Batch", "the name is no service name"],
            text => Assert.Contains(text, html, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Members_show_role_term_index_size_and_why_one_does_not_answer()
    {
        string html = await RenderAsync<Members>(Sample.Feed(
            Sample.Catalog(), Sample.Member(1, "m1", 1), Sample.Member(2, "m2", 1), Sample.Member(3, "m3", 0) with { Problem = "connection refused" }));

        Assert.All(
            ["leader", "follower", "119 / 120", "20.0 MiB", "3.5.21", "http://10.0.0.1:2379", "not answering", "connection refused", "2 of 3 members answering"],
            text => Assert.Contains(text, html, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Routes_show_proxies_destinations_and_problems()
    {
        CatalogSnapshot catalog = Sample.Catalog(
                Sample.Instance("web", "h1", 1, routes: new InstanceRoute { Host = "shop.example.com", Path = "/api", Source = "label discovery.host" }))
            .WithProxy(new() { Name = "edge", Address = "http://10.0.0.1:80", AppliedRevision = 6, Routes = 1, Problems = ["x is quarantined"] });

        string html = await RenderAsync<ProxyRoutes>(Sample.Feed(catalog));

        Assert.All(
            ["edge", "http://10.0.0.1:80", "x is quarantined", "shop.example.com/api", "label discovery.host", "1 of 1 in use"],
            text => Assert.Contains(text, html, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(typeof(Overview), "docker run -d -P -e SERVICE_NAME=hello")]
    [InlineData(typeof(Services), "docker run -d -P -e SERVICE_NAME=hello")]
    [InlineData(typeof(OneService), "docker run -d -P -e SERVICE_NAME=web")]
    [InlineData(typeof(Hosts), "docker run -d --name discovery --net=host")]
    [InlineData(typeof(Members), "discovery store")]
    [InlineData(typeof(ProxyRoutes), "discovery-proxy")]
    public async Task An_empty_page_says_what_to_do_next(Type page, string command) =>
        Assert.Contains(command, await RenderAsync(page, Nothing, page == typeof(OneService) ? [("Name", "web")] : []), StringComparison.Ordinal);

    [Fact]
    public async Task Every_page_has_one_main_heading_and_its_tables_have_headers()
    {
        CatalogSnapshot catalog = Sample.Catalog(Sample.Instance("web", "h1", 1, routes: new InstanceRoute()))
            .WithHost(new() { Name = "h1" })
            .WithProxy(new() { Name = "p" });
        foreach (Type page in typeof(Overview).Assembly.GetTypes().Where(t => t.GetCustomAttribute<RouteAttribute>() is not null))
        {
            string html = await RenderAsync(page, Sample.Feed(catalog, Sample.Member(1, "m1", 1)), page == typeof(OneService) ? [("Name", "web")] : []);

            Assert.True(html.Split("<h1").Length == 2, $"{page.Name} has {html.Split("<h1").Length - 1} h1");
            Assert.True(html.Split("<table").Length == html.Split("<thead").Length, $"{page.Name} has a table without headers");
        }
    }

    private static Task<string> RenderAsync<TPage>(FeedState feed, params (string Name, object Value)[] parameters) =>
        RenderAsync(typeof(TPage), feed, parameters);

    private static async Task<string> RenderAsync(Type page, FeedState feed, params (string Name, object Value)[] parameters)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(new DashboardOptions { Store = StoreAddress.Parse("etcd://10.0.0.1"), Urls = [] });
        services.AddSingleton<NavigationManager>(new FixedNavigation());
        services.AddSingleton<IJSRuntime>(new NoBrowser());
        await using ServiceProvider provider = services.BuildServiceProvider();
        await using var renderer = new HtmlRenderer(provider, NullLoggerFactory.Instance);
        return await renderer.Dispatcher.InvokeAsync(async () =>
        {
            var content = new RenderFragment(builder =>
            {
                builder.OpenComponent(0, page);
                foreach ((string name, object value) in parameters)
                {
                    builder.AddComponentParameter(1, name, value);
                }

                builder.CloseComponent();
            });
            return (await renderer.RenderComponentAsync<CascadingValue<FeedState>>(ParameterView.FromDictionary(new Dictionary<string, object?>
            {
                ["Value"] = feed,
                ["ChildContent"] = content,
            }))).ToHtmlString();
        });
    }

    private sealed class FixedNavigation : NavigationManager
    {
        public FixedNavigation() => Initialize("http://127.0.0.1/", "http://127.0.0.1/");

        protected override void NavigateToCore(string uri, NavigationOptions options) => throw new NotSupportedException();
    }

    private sealed class NoBrowser : IJSRuntime
    {
        public ValueTask<TValue> InvokeAsync<TValue>(string identifier, object?[]? args) => throw new NotSupportedException();

        public ValueTask<TValue> InvokeAsync<TValue>(string identifier, CancellationToken cancellationToken, object?[]? args) =>
            throw new NotSupportedException();
    }
}
