using Discovery.Catalog;
using Discovery.Dashboard.Views;

namespace Discovery.Dashboard.Tests.Views;

public sealed class OverviewViewTests
{
    [Fact]
    public void Services_needing_attention_come_worst_first_with_the_output_that_explains()
    {
        OverviewView view = OverviewView.From(Sample.Feed(Sample.Catalog(
            Sample.Instance("api", "h1", 1),
            Sample.Instance("mail", "h1", 1, Health.Warning, "queue is long"),
            Sample.Instance("web", "h1", 1),
            Sample.Instance("web", "h1", 2, Health.Critical, "HTTP 500"))));

        Assert.Equal([("web", "web-2", "HTTP 500"), ("mail", "mail-1", "queue is long")], view.Attention.Select(a => (a.Name, a.Where, a.Output)));
        Assert.Equal(new HealthTally(2, 0, 1, 1), view.Instances);
    }

    [Fact]
    public void The_list_is_capped_and_its_total_is_not()
    {
        OverviewView view = OverviewView.From(Sample.Feed(Sample.Catalog(
            [.. Enumerable.Range(0, 30).Select(n => Sample.Instance($"s{n}", "h1", n, Health.Critical))])));

        Assert.Equal((Limits.AttentionShown, 30), (view.Attention.Length, view.AttentionTotal));
    }

    [Fact]
    public void The_summary_says_in_one_sentence_what_is_wrong()
    {
        CatalogSnapshot catalog = Sample.Catalog(Sample.Instance("web", "h1", 1, Health.Critical), Sample.Instance("web", "h1", 2));

        Assert.Equal("Store connected. 1 service, instances: 1 critical.", OverviewView.From(Sample.Feed(catalog)).Summary);
        Assert.Equal(
            "Store away. 1 service, instances: 1 critical.", OverviewView.From(Sample.Feed(catalog with { Connected = false })).Summary);
    }
}
