using Discovery.Catalog;
using Discovery.Dashboard.Views;

namespace Discovery.Dashboard.Tests.Views;

public sealed class ServicesViewTests
{
    private static readonly CatalogSnapshot Shop = Sample.Catalog(
        Sample.Instance("api", "h1", 1),
        Sample.Instance("web", "h1", 1, Health.Critical),
        Sample.Instance("web", "h2", 2),
        Sample.Instance("mail", "h2", 1, Health.Warning) with { Tags = ["eu"] });

    [Fact]
    public void The_worst_come_first_then_by_name()
    {
        ServicesView view = ServicesView.From(Shop, null, null);

        Assert.Equal(["web", "mail", "api"], view.Rows.Select(r => r.Name));
        Assert.Equal(new HealthTally(1, 0, 0, 1), view.Rows[0].Tally);
        Assert.Equal(["h1", "h2"], view.Rows[0].Hosts.AsEnumerable());
    }

    [Theory]
    [InlineData("WEB", "web")]
    [InlineData(" h2 ", "web,mail")]
    [InlineData("shop/api", "api")]
    [InlineData("eu", "mail")]
    [InlineData("10.0.0.7:32002", "web")]
    [InlineData("nothing", "")]
    public void Text_is_found_wherever_one_would_look_for_it(string text, string services) =>
        Assert.Equal(services, string.Join(',', ServicesView.From(Shop, text, null).Rows.Select(r => r.Name)));

    [Theory]
    [InlineData("critical", "web")]
    [InlineData("unhealthy", "web,mail")]
    [InlineData("passing", "api")]
    [InlineData("starting", "")]
    [InlineData("no such word", "web,mail,api")]
    public void The_health_filter_goes_by_a_services_worst_instance(string health, string services) =>
        Assert.Equal(services, string.Join(',', ServicesView.From(Shop, null, health).Rows.Select(r => r.Name)));

    [Fact]
    public void The_counts_beside_the_health_filter_ignore_it()
    {
        ServicesView view = ServicesView.From(Shop, "h2", "critical");

        Assert.Equal(new HealthTally(0, 0, 1, 1), view.All);
        Assert.Equal(3, view.Known);
    }
}
