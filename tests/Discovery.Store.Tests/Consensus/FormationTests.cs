using Discovery.Raft;
using Discovery.Store.Consensus;

namespace Discovery.Store.Tests.Consensus;

/// <summary>When a member with data of its own making may vote.</summary>
public sealed class FormationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(1);

    /// <summary>Whatever a member of five promised, it promised together with two others; three others cannot miss both.</summary>
    [Theory]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(4, 2)]
    [InlineData(5, 3)]
    public void Majority_of_the_others_is_enough_at_once_whatever_they_have_done(int members, int answers)
    {
        Formation formation = Of(members);
        for (ulong peer = 1; peer <= (ulong)answers; peer++)
        {
            Assert.False(formation.MayTakePart(Patience));
            formation.Answered(new NodeId(peer), isUntouched: false);
        }

        Assert.True(formation.MayTakePart(TimeSpan.Zero));
    }

    /// <summary>As with etcd, two of three form the cluster; only the first second is spent on asking the third.</summary>
    [Theory]
    [InlineData(3, 1)]
    [InlineData(5, 2)]
    public void Bare_majority_of_untouched_members_is_enough_later(int members, int answers)
    {
        Formation formation = Of(members);
        for (ulong peer = 1; peer <= (ulong)answers; peer++)
        {
            Assert.False(formation.MayTakePart(Patience));
            formation.Answered(new NodeId(peer), isUntouched: true);
        }

        Assert.False(formation.MayTakePart(Early));
        Assert.True(formation.MayTakePart(Patience));
        Assert.Equal(Enumerable.Range(answers + 1, members - 1 - answers).Select(static id => new NodeId((ulong)id)), formation.Silent);
    }

    /// <summary>One that has voted since does not know what the silent one and this member decided before this one's data was gone.</summary>
    [Fact]
    public void Bare_majority_with_a_member_that_has_promised_something_is_never_enough()
    {
        Formation formation = Of(3);
        formation.Answered(new NodeId(1), isUntouched: false);

        Assert.False(formation.MayTakePart(100 * Patience));
    }

    /// <summary>What was untouched after this member began took no part in anything before it began, whatever it does later.</summary>
    [Fact]
    public void Member_that_was_untouched_once_counts_as_such_from_then_on()
    {
        Formation formation = Of(3);
        formation.Answered(new NodeId(1), isUntouched: true);
        formation.Answered(new NodeId(1), isUntouched: false);

        Assert.True(formation.MayTakePart(Patience));
    }

    [Fact]
    public void Strangers_do_not_count()
    {
        Formation formation = Of(3);
        formation.Answered(new NodeId(8), isUntouched: true);
        formation.Answered(new NodeId(9), isUntouched: true);

        Assert.False(formation.MayTakePart(Patience));
    }

    private static Formation Of(int members) =>
        new([.. Enumerable.Range(1, members - 1).Select(static id => new NodeId((ulong)id))], Patience);
}
