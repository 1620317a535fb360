using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using Discovery.Store.Keyspace;
using static Discovery.Simulator.Tests.Checks.TestKeyspace;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>Leases of 20 s; clocks may be off by a tenth, a leader has 5 s to end one. Every change takes a second.</summary>
public sealed class LeaseCheckTests
{
    private const long Id = 7;
    private readonly TestKeyspace _keyspace = new();

    private LeaseCheck Leases => _keyspace.Leases;

    [Fact]
    public void Lease_that_ends_with_its_keys_after_its_time_passes()
    {
        Leases.LeaderIs(reachesMajority: true);
        Grant();
        _keyspace.Put("a", "1", Id);
        _keyspace.Put("b", "1", Id);
        _keyspace.Wait(10);
        Renew(20);
        _keyspace.Wait(20);

        _keyspace.Revoke(Id);
        _keyspace.Wait(100);
    }

    [Fact]
    public void Lease_that_ends_early_is_found()
    {
        Grant();
        _keyspace.Wait(15);

        AssertBroken("promised until", () => _keyspace.Revoke(Id));
    }

    [Fact]
    public void Lease_that_ends_early_after_a_renewal_is_found()
    {
        Grant();
        _keyspace.Wait(15);
        Renew(20);
        _keyspace.Wait(15);

        AssertBroken("promised until", () => _keyspace.Revoke(Id));
    }

    [Fact]
    public void Lease_may_end_early_by_as_much_as_clocks_are_off()
    {
        Grant();
        _keyspace.Wait(18);

        _keyspace.Revoke(Id);
    }

    [Fact]
    public void Lease_may_end_at_any_time_once_a_client_asks_for_it()
    {
        Grant();
        Leases.RevokeCalled(Id);

        _keyspace.Revoke(Id);
    }

    [Fact]
    public void Lease_that_lives_too_long_is_found()
    {
        Leases.LeaderIs(reachesMajority: true);
        Grant();

        AssertBroken("lives at", () => _keyspace.Wait(30));
    }

    [Fact]
    public void Lease_lives_on_while_nobody_leads_and_gets_its_time_again()
    {
        Leases.LeaderIs(reachesMajority: true);
        Grant();
        Leases.LeaderIs(reachesMajority: false);
        _keyspace.Wait(100);
        Leases.LeaderIs(reachesMajority: true);
        _keyspace.Wait(25);

        AssertBroken("lives at", () => _keyspace.Wait(5));
    }

    [Fact]
    public void Lease_is_not_late_while_a_renewal_is_under_way()
    {
        Leases.LeaderIs(reachesMajority: true);
        Grant();
        Leases.RenewCalled(Id);
        _keyspace.Wait(30);
        Leases.RenewUnknown(Id);
        _keyspace.Wait(20);

        AssertBroken("lives at", () => _keyspace.Wait(10));
    }

    [Fact]
    public void Key_that_ends_before_its_lease_is_found()
    {
        Grant();
        _keyspace.Put("a", "1", Id);
        _keyspace.Put("b", "1", Id);

        AssertBroken("the lease lives", () => _keyspace.Delete("a"));
    }

    [Fact]
    public void Key_that_changes_its_lease_does_not_end_with_the_old_one()
    {
        Grant();
        _keyspace.Grant(8, 100);
        _keyspace.Put("a", "1", Id);
        _keyspace.Put("a", "2", 8);
        _keyspace.Put("b", "1", Id);
        _keyspace.Put("b", "2");
        _keyspace.Wait(20);

        _keyspace.Revoke(Id);
    }

    /// <summary>Goal: a key left behind is found; how: the history keeps what the revocation should have deleted.</summary>
    [Fact]
    public void Key_that_outlives_its_lease_is_found()
    {
        Grant();
        _keyspace.Put("a", "1", Id);
        var forgetful = new KeyspaceState();
        for (ulong index = 1; index < 9; index++)
        {
            forgetful.Skip(index);
        }

        AssertBroken("ended and left a", () =>
        {
            _keyspace.Wait(30);
            Leases.Read(forgetful.Publish());
        });
    }

    [Fact]
    public void Keys_that_end_in_two_revisions_are_found()
    {
        Grant();
        _keyspace.Put("a", "1", Id);
        _keyspace.Put("b", "1", Id);

        AssertBroken("they end together", () =>
        {
            _keyspace.History.Add("m", 4, [(true, new KeyValue { Key = Bytes("a"), ModRevision = 4 })]);
            _keyspace.History.Add("m", 5, [(true, new KeyValue { Key = Bytes("b"), ModRevision = 5 })]);
        });
    }

    [Fact]
    public void Renewal_of_a_lease_that_had_ended_is_found()
    {
        Grant();
        _keyspace.Wait(20);
        _keyspace.Revoke(Id);
        _keyspace.Wait(1);

        AssertBroken("was renewed by a call", () => Renew(20));
    }

    [Fact]
    public void Renewal_that_is_followed_by_the_end_it_denied_is_found()
    {
        Grant();
        _keyspace.Wait(20);
        TimeSpan called = _keyspace.Position.Now;
        Leases.RenewCalled(Id);
        _keyspace.Revoke(Id);

        AssertBroken("gave it", () => Leases.Renewed(Id, 20, called));
    }

    [Fact]
    public void Answer_that_a_living_lease_is_gone_is_found()
    {
        Grant();

        AssertBroken("it is not", () => Renew(0));
    }

    [Fact]
    public void Grant_that_no_member_knows_is_found() => AssertBroken("no member had it", () => Leases.Granted(99, 20, TimeSpan.Zero));

    private void Grant()
    {
        TimeSpan called = _keyspace.Position.Now;
        _keyspace.Grant(Id, 20);
        Leases.Granted(Id, 20, called);
    }

    private void Renew(long answer)
    {
        Leases.RenewCalled(Id);
        Leases.Renewed(Id, answer, _keyspace.Position.Now);
    }

    private static void AssertBroken(string why, Action act)
    {
        Violation violation = Assert.Throws<ViolationException>(act).Violation;
        Assert.Equal("leases", violation.Checker);
        Assert.Contains(why, violation.Text, StringComparison.Ordinal);
    }
}
