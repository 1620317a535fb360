using Discovery.Catalog;
using Discovery.Dashboard.Views;

namespace Discovery.Dashboard.Tests.Views;

public sealed class StoreLineTests
{
    private static readonly CatalogSnapshot Read = Sample.Catalog(Sample.Instance("web", "h1", 1));

    [Fact]
    public void A_store_that_answers_and_has_a_leader_is_connected()
    {
        var line = StoreLine.From(Sample.Feed(Read, Sample.Member(1, "m1", 2), Sample.Member(2, "m2", 2)));

        Assert.Equal((StoreCondition.Connected, Health.Passing, "m2", 3UL, 2), (line.Condition, line.Health, line.Leader, line.Term, line.Answering));
    }

    [Fact]
    public void The_leader_of_an_older_term_is_not_the_leader()
    {
        var line = StoreLine.From(Sample.Feed(Read, Sample.Member(1, "m1", 1, term: 3), Sample.Member(2, "m2", 2, term: 4)));

        Assert.Equal(("m2", 4UL), (line.Leader, line.Term));
    }

    [Fact]
    public void A_member_that_does_not_answer_is_a_warning()
    {
        MemberState away = Sample.Member(3, "m3", 0) with { Problem = "connection refused" };

        var line = StoreLine.From(Sample.Feed(Read, Sample.Member(1, "m1", 1), away));

        Assert.Equal((StoreCondition.Connected, Health.Warning, 1), (line.Condition, line.Health, line.Answering));
    }

    [Fact]
    public void Members_without_a_leader_are_critical_though_they_answer()
    {
        var line = StoreLine.From(Sample.Feed(Read, Sample.Member(1, "m1", 0)));

        Assert.Equal((StoreCondition.NoLeader, Health.Critical), (line.Condition, line.Health));
    }

    [Fact]
    public void A_store_that_went_away_says_why_and_the_state_is_stale()
    {
        FeedState feed = Sample.Feed(Read with { Connected = false, Problem = "connection refused" });

        Assert.Equal((StoreCondition.Away, "connection refused"), (StoreLine.From(feed).Condition, StoreLine.From(feed).Problem));
        Assert.True(feed.IsStale);
    }

    [Fact]
    public void Before_the_first_answer_it_is_connecting() =>
        Assert.Equal(StoreCondition.Connecting, StoreLine.From(FeedState.Empty(Sample.Noon)).Condition);
}
