using Discovery.Catalog;
using Discovery.Dashboard.Views;

namespace Discovery.Dashboard.Tests.Views;

public sealed class CatalogChangeTests
{
    [Fact]
    public void Instances_that_came_went_and_changed_health_are_told_apart()
    {
        CatalogSnapshot before = Sample.Catalog(Sample.Instance("web", "h1", 1), Sample.Instance("web", "h1", 2), Sample.Instance("db", "h1", 1));
        CatalogSnapshot after = Sample.Catalog(
            Sample.Instance("web", "h1", 1, Health.Critical, "connection refused"), Sample.Instance("db", "h1", 1), Sample.Instance("web", "h2", 3));

        CatalogChange[] changes = [.. CatalogChange.Between(before, after, Sample.Noon)];

        Assert.Equal(
            [
                (ChangeKind.Gone, "web-2", "10.0.0.7:32002"),
                (ChangeKind.Health, "web-1", "connection refused"),
                (ChangeKind.Registered, "web-3", "10.0.0.7:32003"),
            ],
            changes.Select(c => (c.Kind, c.Subject, c.Detail)));
        Assert.All(changes, c => Assert.Equal("web", c.Service));
    }

    [Fact]
    public void Draining_is_a_change_of_state_and_not_of_health()
    {
        ServiceInstance instance = Sample.Instance("web", "h1", 1);

        CatalogChange change = Assert.Single(CatalogChange.Between(
            Sample.Catalog(instance), Sample.Catalog(instance with { State = InstanceState.Draining }), Sample.Noon));

        Assert.Equal((ChangeKind.State, "active → draining"), (change.Kind, change.Detail));
    }

    [Fact]
    public void Hosts_join_and_leave()
    {
        CatalogSnapshot before = Sample.Catalog().WithHost(new() { Name = "h1" });
        CatalogSnapshot after = Sample.Catalog().WithHost(new() { Name = "h2", Address = "10.0.0.2" });

        Assert.Equal(
            [(ChangeKind.HostJoined, "h2"), (ChangeKind.HostLeft, "h1")],
            CatalogChange.Between(before, after, Sample.Noon).Select(c => (c.Kind, c.Subject)));
    }

    [Fact]
    public void What_was_there_at_the_first_read_is_no_change()
    {
        FeedState first = FeedState.Empty(Sample.Noon).With(Sample.Catalog(Sample.Instance("web", "h1", 1)), Sample.Noon);
        FeedState second = first.With(Sample.Catalog(), Sample.Noon.AddSeconds(1));

        Assert.Empty(first.Changes);
        Assert.Equal(ChangeKind.Gone, Assert.Single(second.Changes).Kind);
    }

    [Fact]
    public void Only_the_newest_changes_are_kept_newest_first()
    {
        FeedState feed = FeedState.Empty(Sample.Noon).With(Sample.Catalog(Sample.Instance("web", "h1", 1)), Sample.Noon);
        for (int i = 0; i < Limits.ChangesKept + 5; i++)
        {
            Health health = i % 2 == 0 ? Health.Critical : Health.Passing;
            feed = feed.With(Sample.Catalog(Sample.Instance("web", "h1", 1, health)), Sample.Noon.AddSeconds(i));
        }

        Assert.Equal(Limits.ChangesKept, feed.Changes.Count);
        Assert.Equal(Sample.Noon.AddSeconds(Limits.ChangesKept + 4), feed.Changes[0].At);
        Assert.Equal(Sample.Noon.AddSeconds(5), feed.Changes[^1].At);
    }
}
