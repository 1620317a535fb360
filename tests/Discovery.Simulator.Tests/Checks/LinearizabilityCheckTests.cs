using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using static Discovery.Simulator.Tests.Checks.ScriptedHistory;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>Histories by hand: each wrong one breaks one rule and nothing else.</summary>
public sealed class LinearizabilityCheckTests
{
    private readonly ScriptedHistory _script = new();

    [Fact]
    public void Requests_one_after_another_are_fine()
    {
        _script
            .Did(Get("a"), Found(1))
            .Did(Put("a", "1"), PutAt(2))
            .Did(Get("a"), Found(2, Pair("a", "1", 2)))
            .Did(Cas("a", 2, "2"), Txn(3, true, PutAt(3)))
            .Did(Cas("a", 2, "3"), Txn(3, false, Found(3, Pair("a", "2", 3, version: 2))))
            .Did(Put("b", "1"), PutAt(4))
            .Did(Delete("a"), DeletedAt(5))
            .Did(Delete("a"), DeletedAt(5, count: 0))
            .Did(Get("a"), Found(5));

        Assert.Null(_script.Verdict);
    }

    [Fact]
    public void Lost_write_is_found()
    {
        _script.Did(Put("a", "1"), PutAt(2)).Did(Get("a"), Found(2));

        AssertLinearizabilityBroken("the key is there");
    }

    [Fact]
    public void Stale_read_is_found_although_its_revision_is_new()
    {
        _script
            .Did(Put("a", "1"), PutAt(2))
            .Did(Put("a", "2"), PutAt(3))
            .Did(Get("a"), Found(3, Pair("a", "1", 2)));

        AssertLinearizabilityBroken("the value is another");
    }

    [Fact]
    public void Stale_read_is_found_by_its_revision()
    {
        _script
            .Did(Put("a", "1"), PutAt(2))
            .Did(Put("a", "2"), PutAt(3))
            .Did(Get("a"), Found(2, Pair("a", "1", 2)));

        AssertOrderBroken();
    }

    [Fact]
    public void Stale_read_of_another_key_is_found_by_its_revision()
    {
        _script
            .Did(Put("a", "1"), PutAt(2))
            .Did(Put("b", "1"), PutAt(3))
            .Did(Get("a"), Found(2, Pair("a", "1", 2)));

        AssertOrderBroken();
    }

    [Fact]
    public void Stale_read_is_allowed_when_it_is_serializable()
    {
        RangeRequest stale = Get("a");
        stale.Serializable = true;

        _script.Did(Put("a", "1"), PutAt(2)).Did(Put("a", "2"), PutAt(3)).Did(stale, Found(2, Pair("a", "1", 2)));

        Assert.Null(_script.Verdict);
    }

    [Fact]
    public void What_a_serializable_read_has_seen_is_committed_for_all_later_requests()
    {
        RangeRequest serializable = Get("a");
        serializable.Serializable = true;
        Operation put = _script.Called(Put("a", "1"), client: 1);
        _script
            .Did(serializable, Found(2, Pair("a", "1", 2)))
            .Did(Get("a"), Found(1));
        _script.Returned(put, PutAt(2));

        AssertOrderBroken();
    }

    [Fact]
    public void Two_writes_of_one_revision_are_found()
    {
        _script.Did(Put("b", "1"), PutAt(2));
        Operation first = _script.Called(Put("a", "1"), client: 1);
        Operation second = _script.Called(Put("c", "1"), client: 2);
        _script.Returned(first, PutAt(3));
        _script.Returned(second, PutAt(3));

        AssertOrderBroken();
    }

    [Fact]
    public void Write_after_an_answered_write_must_have_a_greater_revision()
    {
        _script.Did(Put("a", "1"), PutAt(3)).Did(Put("b", "1"), PutAt(2));

        AssertOrderBroken();
    }

    [Fact]
    public void Concurrent_requests_may_take_either_order()
    {
        Operation put = _script.Called(Put("a", "1"), client: 1);
        Operation before = _script.Called(Get("a"), client: 2);
        Operation after = _script.Called(Get("a"), client: 3);
        _script.Returned(after, Found(2, Pair("a", "1", 2)));
        _script.Returned(before, Found(1));
        _script.Returned(put, PutAt(2));

        Assert.Null(_script.Verdict);
    }

    [Fact]
    public void New_value_must_not_disappear_again_while_its_write_is_under_way()
    {
        Operation put = _script.Called(Put("a", "1"), client: 1);
        _script.Did(Get("a"), Found(2, Pair("a", "1", 2))).Did(Get("a"), Found(2));
        _script.Returned(put, PutAt(2));

        AssertLinearizabilityBroken("the key is there");
    }

    [Fact]
    public void Value_read_before_its_write_was_called_is_found()
    {
        Operation read = _script.Called(Get("a"), client: 1);
        _script.Returned(read, Found(2, Pair("a", "1", 2)));
        _script.GaveUp(Put("a", "1"));

        AssertLinearizabilityBroken("the key is absent");
    }

    [Fact]
    public void Value_that_nobody_wrote_is_found()
    {
        _script.Did(Get("a"), Found(2, Pair("a", "ghost", 2)));

        AssertLinearizabilityBroken("the key is absent");
    }

    [Theory]
    [InlineData(2, 2, 2)]
    [InlineData(3, 3, 2)]
    [InlineData(3, 2, 3)]
    [InlineData(4, 2, 2)]
    public void Wrong_numbers_of_a_pair_are_found(long modified, long version, long created)
    {
        _script
            .Did(Put("a", "1"), PutAt(2))
            .Did(Put("a", "2"), PutAt(3))
            .Did(Get("a"), Found(4, Pair("a", "2", modified, version, created)));

        AssertLinearizabilityBroken("is another");
    }

    [Fact]
    public void Condition_must_be_judged_on_the_state_of_its_moment()
    {
        _script.Did(Put("a", "1"), PutAt(2)).Did(Put("a", "2"), PutAt(3)).Did(Cas("a", 2, "3"), Txn(4, true, PutAt(4)));

        AssertLinearizabilityBroken("a condition does not hold");
    }

    [Fact]
    public void Condition_that_holds_must_succeed()
    {
        _script.Did(Put("a", "1"), PutAt(2)).Did(Cas("a", 2, "3"), Txn(2, false, Found(2, Pair("a", "1", 2))));

        AssertLinearizabilityBroken("all conditions hold");
    }

    [Fact]
    public void Two_swaps_from_one_revision_cannot_both_succeed()
    {
        _script.Did(Put("a", "1"), PutAt(2));
        Operation one = _script.Called(Cas("a", 2, "one"), client: 1);
        Operation two = _script.Called(Cas("a", 2, "two"), client: 2);
        _script.Returned(one, Txn(3, true, PutAt(3)));
        _script.Returned(two, Txn(4, true, PutAt(4)));

        AssertLinearizabilityBroken("a condition does not hold");
    }

    [Fact]
    public void Deletion_must_say_how_many_it_deleted()
    {
        _script.Did(Put("a", "1"), PutAt(2)).Did(Delete("a"), DeletedAt(2, count: 0));

        AssertLinearizabilityBroken("another number of keys");
    }

    [Fact]
    public void Previous_pair_must_be_the_one_that_was_replaced()
    {
        PutRequest put = Put("a", "3");
        put.PrevKv = true;
        PutResponse answer = PutAt(4);
        answer.PrevKv = Pair("a", "1", 2);

        _script.Did(Put("a", "1"), PutAt(2)).Did(Put("a", "2"), PutAt(3)).Did(put, answer);

        AssertLinearizabilityBroken("the value is another");
    }

    [Fact]
    public void Transaction_of_two_keys_is_one_moment()
    {
        var both = new TxnRequest { Success = { PutOp("a", "1"), PutOp("b", "1") } };
        var look = new TxnRequest { Success = { GetOp("a"), GetOp("b") } };
        Operation write = _script.Called(both, client: 1);
        _script.Did(look, Txn(2, true, Found(2, Pair("a", "1", 2)), Found(2)));
        _script.Returned(write, Txn(2, true, PutAt(2), PutAt(2)));

        AssertLinearizabilityBroken("the key is");
    }

    [Fact]
    public void Reads_and_deletions_of_ranges_count_every_key()
    {
        _script
            .Did(Put("k/a", "1"), PutAt(2))
            .Did(Put("k/b", "2"), PutAt(3))
            .Did(Get("k/", "k0"), Found(3, Pair("k/a", "1", 2), Pair("k/b", "2", 3)))
            .Did(Delete("k/", "k0"), DeletedAt(4, count: 2));
        Assert.Null(_script.Verdict);

        _script.Did(Get("k/", "k0"), Found(4, Pair("k/b", "2", 3)));
        AssertLinearizabilityBroken("the key is absent");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Write_without_an_answer_may_have_happened_or_not(bool happened)
    {
        _script
            .Did(Put("a", "1"), PutAt(2))
            .GaveUp(Put("a", "2"))
            .Did(Get("a"), happened ? Found(3, Pair("a", "2", 3, version: 2)) : Found(2, Pair("a", "1", 2)));

        Assert.Null(_script.Verdict);
    }

    [Fact]
    public void Write_without_an_answer_may_happen_much_later()
    {
        _script
            .Did(Put("a", "1"), PutAt(2))
            .GaveUp(Put("a", "late"))
            .Did(Put("a", "2"), PutAt(3))
            .Did(Get("a"), Found(3, Pair("a", "2", 3, version: 2)))
            .Did(Get("a"), Found(4, Pair("a", "late", 4, version: 3, created: 2)));

        Assert.Null(_script.Verdict);
    }

    [Fact]
    public void Write_without_an_answer_happens_at_most_once()
    {
        _script
            .GaveUp(Put("a", "1"))
            .Did(Get("a"), Found(2, Pair("a", "1", 2)))
            .Did(Put("a", "2"), PutAt(3))
            .Did(Get("a"), Found(4, Pair("a", "1", 4, version: 3, created: 2)));

        AssertLinearizabilityBroken("is another");
    }

    [Fact]
    public void Write_without_an_answer_is_found_by_the_version_that_it_left()
    {
        _script
            .Did(Put("a", "1"), PutAt(2))
            .GaveUp(Put("a", "unseen"))
            .Did(Put("a", "3"), PutAt(4))
            .Did(Get("a"), Found(4, Pair("a", "3", 4, version: 3, created: 2)));

        Assert.Null(_script.Verdict);
    }

    [Fact]
    public void Write_without_an_answer_needs_a_revision_of_its_own()
    {
        _script
            .Did(Put("a", "1"), PutAt(2))
            .GaveUp(Put("a", "unseen"))
            .Did(Put("a", "3"), PutAt(3))
            .Did(Get("a"), Found(3, Pair("a", "3", 3, version: 3, created: 2)));

        AssertLinearizabilityBroken("the version is another");
    }

    [Fact]
    public void Refused_write_must_not_show()
    {
        Operation put = _script.Called(Put("a", "1"));
        _script.History.Refused(put, TimeSpan.FromSeconds(1));
        _script.Did(Get("a"), Found(2, Pair("a", "1", 2)));

        AssertLinearizabilityBroken("the key is absent");
    }

    [Fact]
    public void Request_that_the_model_does_not_know_is_refused_at_once()
    {
        var e = Assert.Throws<ArgumentException>(() => _script.Called(new RangeRequest { Key = Bytes("a"), Revision = 7 }));

        Assert.Contains("the model knows", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Goal: a search that would take for ever ends, and says so; how: a bound of one step.</summary>
    [Fact]
    public void Search_beyond_its_bound_is_undecided_and_that_is_a_violation()
    {
        _script.Did(Put("a", "1"), PutAt(2)).Did(Put("a", "2"), PutAt(3)).Did(Put("a", "3"), PutAt(4));

        Violation? verdict = LinearizabilityCheck.Check(_script.History, stepsMax: 1);

        Assert.Contains("undecided", verdict?.Text, StringComparison.Ordinal);
    }

    private void AssertLinearizabilityBroken(string why)
    {
        Violation? verdict = _script.Verdict;
        Assert.Equal("linearizability", verdict?.Checker);
        Assert.Contains(why, verdict!.Text, StringComparison.Ordinal);
    }

    private void AssertOrderBroken() => Assert.Equal("revision order", _script.Verdict?.Checker);
}
