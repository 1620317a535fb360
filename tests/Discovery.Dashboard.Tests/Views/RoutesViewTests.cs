using System.Text.Json;
using Discovery.Catalog;
using Discovery.Dashboard.Views;

namespace Discovery.Dashboard.Tests.Views;

public sealed class RoutesViewTests
{
    private static readonly InstanceRoute OwnName = new() { Source = "SERVICE_NAME" };

    [Fact]
    public void A_route_without_a_host_has_a_name_under_each_proxys_domain()
    {
        CatalogSnapshot catalog = Sample.Catalog(Sample.Instance("web", "h1", 1, routes: OwnName))
            .WithProxy(new() { Name = "p1", Domain = "localhost" })
            .WithProxy(new() { Name = "p2", Domain = "example.com" });

        Assert.Equal(["web.example.com", "web.localhost"], RoutesView.From(catalog, null).Routes.Select(r => r.Name));
    }

    [Fact]
    public void Without_a_proxy_the_domain_is_open()
    {
        RouteRow row = Assert.Single(RoutesView.From(Sample.Catalog(Sample.Instance("web", "h1", 1, routes: OwnName)), null).Routes);

        Assert.Equal(("web.*", "web", 1), (row.Name, row.Service, row.Taking));
        Assert.Null(row.Problem);
    }

    [Fact]
    public void Of_two_services_on_one_name_the_older_registration_is_served_and_the_other_says_so()
    {
        var route = new InstanceRoute { Host = "shop.example.com", Path = "/api" };
        CatalogSnapshot catalog = Sample.Catalog(
            Sample.Instance("new", "h1", 1, routes: route),
            Sample.Instance("old", "h1", 1, routes: route) with { RegisteredAt = Sample.Noon.AddDays(-1) });

        RoutesView view = RoutesView.From(catalog, null);

        Assert.Equal(["new", "old"], view.Routes.Select(r => r.Service));
        Assert.Contains("old claims the same name", view.Routes[0].Problem, StringComparison.Ordinal);
        Assert.Null(view.Routes[1].Problem);
    }

    [Fact]
    public void A_priority_beats_an_older_registration()
    {
        CatalogSnapshot catalog = Sample.Catalog(
            Sample.Instance("new", "h1", 1, routes: new InstanceRoute { Host = "x.example.com", Priority = 5 }),
            Sample.Instance("old", "h1", 1, routes: new InstanceRoute { Host = "x.example.com" }) with { RegisteredAt = Sample.Noon.AddDays(-1) });

        Assert.Equal("old", RoutesView.From(catalog, null).Routes.Single(r => r.Problem is not null).Service);
    }

    [Fact]
    public void A_route_whose_instances_take_no_requests_is_a_problem_and_stands_first()
    {
        CatalogSnapshot catalog = Sample.Catalog(
            Sample.Instance("api", "h1", 1, routes: OwnName),
            Sample.Instance("web", "h1", 1, Health.Critical, routes: OwnName),
            Sample.Instance("web", "h1", 2, routes: OwnName) with { State = InstanceState.Draining });

        RouteRow first = RoutesView.From(catalog, null).Routes[0];

        Assert.Equal(("web", 0), (first.Service, first.Taking));
        Assert.Contains("503", first.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_field_quarantines_its_route()
    {
        var route = new InstanceRoute
        {
            Host = "x.example.com",
            Unknown = new Dictionary<string, JsonElement> { ["methods"] = JsonDocument.Parse("[]").RootElement },
        };

        Assert.Equal(
            "not served: unknown field methods",
            Assert.Single(RoutesView.From(Sample.Catalog(Sample.Instance("web", "h1", 1, routes: route)), null).Routes).Problem);
    }
}
