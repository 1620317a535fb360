using Discovery.Catalog;
using Discovery.Dashboard.Views;

namespace Discovery.Dashboard.Tests.Views;

public sealed class HostsViewTests
{
    [Fact]
    public void Hosts_with_something_to_say_come_first_and_those_without_a_sidecar_are_seen()
    {
        CatalogSnapshot catalog = Sample.Catalog(Sample.Instance("web", "h1", 1), Sample.Instance("web", "ghost", 2))
            .WithHost(new() { Name = "h1" })
            .WithHost(new() { Name = "h2", Warnings = ["add -ip"] });

        HostsView view = HostsView.From(catalog);

        Assert.Equal(["ghost", "h2", "h1"], view.Rows.Select(r => r.Name));
        Assert.Null(view.Rows[0].Record);
        Assert.Equal((1, 1), (view.Rows[2].Tally.Total, view.Rows[2].Services));
    }
}
