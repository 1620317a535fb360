using Discovery.EtcdApi;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Tests.Keyspace;

/// <summary>What a leader refuses before it proposes. Each verdict was read from three real etcds in the same situation.</summary>
public sealed class MemberRulesTests
{
    [Fact]
    public void First_addition_to_a_single_member_is_taken() =>
        Assert.Null(MemberRules.CheckAdd(Members(started: 1), isLearner: false, static _ => true));

    [Fact]
    public void Addition_needs_every_voter_connected()
    {
        MemberTable three = Members(started: 3);

        Assert.Null(MemberRules.CheckAdd(three, isLearner: false, static _ => true));
        Assert.Equal(EtcdError.Unhealthy, MemberRules.CheckAdd(three, isLearner: false, static id => id != 3));
        Assert.Equal(EtcdError.Unhealthy, MemberRules.CheckAdd(three, isLearner: true, static id => id != 3));
    }

    [Fact]
    public void Second_addition_before_the_first_has_started_is_refused()
    {
        Assert.Equal(EtcdError.NotEnoughStarted, MemberRules.CheckAdd(Members(started: 1, waiting: 1), isLearner: false, static _ => true));
        Assert.Equal(EtcdError.Unhealthy, MemberRules.CheckAdd(Members(started: 3, waiting: 1), isLearner: false, static id => id <= 3));
    }

    [Fact]
    public void Learner_that_is_away_hinders_nobody()
    {
        MemberTable members = WithLearner(Members(started: 3), 9);

        Assert.Null(MemberRules.CheckAdd(members, isLearner: false, static id => id != 9));
        Assert.Null(MemberRules.CheckRemove(members, 9, static id => id == 1));
    }

    [Fact]
    public void Removal_must_leave_a_majority_that_started_and_is_connected()
    {
        Assert.Equal(EtcdError.NotEnoughStarted, MemberRules.CheckRemove(Members(started: 1), 1, static _ => true));
        Assert.Equal(EtcdError.NotEnoughStarted, MemberRules.CheckRemove(Members(started: 1, waiting: 1), 1, static _ => true));
        Assert.Null(MemberRules.CheckRemove(Members(started: 3), 1, static _ => true));
        Assert.Equal(EtcdError.Unhealthy, MemberRules.CheckRemove(Members(started: 3), 1, static id => id != 3));
    }

    [Fact]
    public void Member_that_is_away_may_always_be_removed() =>
        Assert.Null(MemberRules.CheckRemove(Members(started: 3), 3, static id => id != 3));

    [Fact]
    public void Promotion_needs_a_learner_that_has_nine_tenths_of_the_log()
    {
        MemberTable members = WithLearner(Members(started: 3), 9);

        Assert.Null(MemberRules.CheckPromote(members, 9, match: 90, leaderMatch: 100));
        Assert.Equal(EtcdError.LearnerNotReady, MemberRules.CheckPromote(members, 9, match: 89, leaderMatch: 100));
        Assert.Equal(EtcdError.MemberNotFound, MemberRules.CheckPromote(members, 8, match: null, leaderMatch: 100));
        Assert.Null(MemberRules.CheckPromote(members, 1, match: 100, leaderMatch: 100));
    }

    [Fact]
    public void Promotion_needs_a_majority_that_started() => Assert.Equal(
        EtcdError.NotEnoughStarted,
        MemberRules.CheckPromote(WithLearner(Members(started: 1, waiting: 2), 9), 9, match: 100, leaderMatch: 100));

    [Fact]
    public void Caught_up_is_exact_for_short_and_for_endless_logs()
    {
        Assert.True(MemberRules.IsCaughtUp(0, 0));
        Assert.False(MemberRules.IsCaughtUp(0, 1));
        Assert.False(MemberRules.IsCaughtUp(8, 9));
        Assert.True(MemberRules.IsCaughtUp(9, 10));
        Assert.True(MemberRules.IsCaughtUp(ulong.MaxValue, ulong.MaxValue));
    }

    [Fact]
    public void Lead_goes_to_voters_only()
    {
        MemberTable members = WithLearner(Members(started: 2), 9);
        members = members with { ById = members.ById.Add(4, new MemberRecord(4, []) { IsPending = true }) };

        Assert.Null(MemberRules.CheckTransfer(members, 2));
        Assert.Equal(EtcdError.BadTransferee, MemberRules.CheckTransfer(members, 9));
        Assert.Equal(EtcdError.BadTransferee, MemberRules.CheckTransfer(members, 4));
        Assert.Equal(EtcdError.BadTransferee, MemberRules.CheckTransfer(members, 77));
    }

    /// <summary>Voters 1 to <paramref name="started"/> have started, the <paramref name="waiting"/> after them have not.</summary>
    private static MemberTable Members(ulong started, ulong waiting = 0)
    {
        MemberTable members = MemberTable.Empty;
        for (ulong id = 1; id <= started + waiting; id++)
        {
            members = members with { ById = members.ById.Add(id, new MemberRecord(id, []) { Name = id <= started ? $"m{id}" : "", IsPending = id > started }) };
        }

        return members;
    }

    private static MemberTable WithLearner(MemberTable members, ulong id) =>
        members with { ById = members.ById.Add(id, new MemberRecord(id, []) { IsLearner = true }) };
}
