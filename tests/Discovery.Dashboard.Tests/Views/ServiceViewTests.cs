using Discovery.Catalog;
using Discovery.Dashboard.Views;

namespace Discovery.Dashboard.Tests.Views;

public sealed class ServiceViewTests
{
    [Fact]
    public void An_unknown_service_has_no_view() => Assert.Null(ServiceView.From(Sample.Catalog(), "web", null, null));

    [Fact]
    public void Instances_come_worst_first_then_by_host()
    {
        ServiceView view = ServiceView.From(
            Sample.Catalog(Sample.Instance("web", "h1", 1), Sample.Instance("web", "h2", 2, Health.Critical), Sample.Instance("web", "h0", 3)), "web", null, null)!;

        Assert.Equal(["h2", "h0", "h1"], view.Instances.Select(i => i.Record.Host));
    }

    [Fact]
    public void More_instances_than_a_page_holds_are_counted_and_reached_by_the_filter()
    {
        CatalogSnapshot catalog = Sample.Catalog([.. Enumerable.Range(0, Limits.InstancesShown + 10).Select(n => Sample.Instance("web", "h1", n))]);

        ServiceView all = ServiceView.From(catalog, "web", null, null)!;
        ServiceView one = ServiceView.From(catalog, "web", "web-207:", null)!;

        Assert.Equal((Limits.InstancesShown, Limits.InstancesShown + 10), (all.Instances.Length, all.Fitting));
        Assert.Equal("web-207", Assert.Single(one.Instances).Name);
    }

    [Fact]
    public void The_worst_check_explains_the_health()
    {
        ServiceInstance instance = Sample.Instance("web", "h1", 1, Health.Critical) with
        {
            Checks =
            [
                new InstanceCheck { Name = "docker", Status = Health.Passing, ChangedAt = Sample.Noon },
                new InstanceCheck { Name = "http", Status = Health.Critical, Output = "500", ChangedAt = Sample.Noon.AddHours(-1) },
            ],
        };

        Assert.Equal("http", InstanceView.Of(instance, []).Telling!.Name);
        Assert.Equal(Sample.Noon.AddHours(-1), InstanceView.Of(instance, []).Since);
    }
}
