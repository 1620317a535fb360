using Discovery.Store.Keyspace;

namespace Discovery.Store.Tests.Keyspace;

public sealed class LeaseTableTests
{
    private readonly LeaseTable _leases = new(Limits.LeaseCheckpointInterval);

    [Fact]
    public void Lease_expires_once_when_its_time_is_over()
    {
        _leases.Grant(1, 10, At(0));

        Assert.Empty(_leases.TakeExpired(At(9.9), 100));
        Assert.Equal([1L], _leases.TakeExpired(At(10), 100));
        Assert.True(_leases.IsExpiring(1));
        Assert.Empty(_leases.TakeExpired(At(11), 100));
    }

    [Fact]
    public void Renewal_gives_the_full_time_again()
    {
        _leases.Grant(1, 10, At(0));

        Assert.Equal(10, _leases.Renew(1, At(8)));
        Assert.Empty(_leases.TakeExpired(At(17.9), 100));
        Assert.Equal([1L], _leases.TakeExpired(At(18), 100));
        Assert.Equal(0, _leases.Renew(2, At(8)));
    }

    [Fact]
    public void Oldest_end_comes_first_and_no_more_than_asked_for()
    {
        for (int i = 1; i <= 5; i++)
        {
            _leases.Grant(i, 10 - i, At(0));
        }

        Assert.Equal([5L, 4L], _leases.TakeExpired(At(100), 2));
        Assert.Equal([3L, 2L, 1L], _leases.TakeExpired(At(100), 100));
    }

    [Fact]
    public void Revived_lease_expires_again()
    {
        _leases.Grant(1, 10, At(0));
        _leases.TakeExpired(At(10), 100);

        _leases.Revive(1);

        Assert.False(_leases.IsExpiring(1));
        Assert.Equal([1L], _leases.TakeExpired(At(10), 100));
    }

    [Fact]
    public void Removed_lease_is_neither_renewed_nor_expired()
    {
        _leases.Grant(1, 10, At(0));

        _leases.Remove(1);

        Assert.Equal(0, _leases.Renew(1, At(1)));
        Assert.Empty(_leases.TakeExpired(At(100), 100));
        Assert.Equal(-1, _leases.Remaining(1, At(1)));
    }

    [Fact]
    public void Remaining_time_is_in_whole_seconds_rounded_up()
    {
        _leases.Grant(1, 10, At(0));

        Assert.Equal(10, _leases.Remaining(1, At(0.5)));
        Assert.Equal(1, _leases.Remaining(1, At(9.9)));
        Assert.Equal(0, _leases.Remaining(1, At(11)));
    }

    [Fact]
    public void Longest_lease_of_etcd_fits()
    {
        _leases.Grant(1, 9_000_000_000, At(1_000_000));

        Assert.Equal(9_000_000_000, _leases.Remaining(1, At(1_000_000)));
    }

    [Fact]
    public void Long_lease_is_written_down_every_five_minutes_unless_just_renewed()
    {
        _leases.Grant(1, 3600, At(0));
        _leases.Grant(2, 300, At(0));

        Assert.Empty(_leases.TakeCheckpoints(At(299), 100));
        Assert.Equal([(1L, 3300L)], _leases.TakeCheckpoints(At(300), 100));
        Assert.Empty(_leases.TakeCheckpoints(At(301), 100));

        _leases.Renew(1, At(600));
        Assert.Empty(_leases.TakeCheckpoints(At(600), 100));
        Assert.Equal([(1L, 3300L)], _leases.TakeCheckpoints(At(900), 100));
    }

    [Fact]
    public void Lease_granted_again_is_written_down_once()
    {
        _leases.Grant(1, 3600, At(0));
        _leases.Remove(1);
        _leases.Grant(1, 3600, At(100));

        Assert.Empty(_leases.TakeCheckpoints(At(300), 100));
        Assert.Equal([(1L, 3300L)], _leases.TakeCheckpoints(At(400), 100));
    }

    [Fact]
    public void New_leader_goes_on_from_what_was_written_down()
    {
        var lease = new LeaseView(1, 3600, LeaseView.NoKeys);
        _leases.Resume(lease with { RemainingTtl = 400 }, At(0));
        _leases.Resume(lease with { Id = 2 }, At(0));
        _leases.Resume(lease with { Id = 3, RemainingTtl = 9999 }, At(0));

        Assert.Equal(400, _leases.Remaining(1, At(0)));
        Assert.Equal(3600, _leases.Remaining(2, At(0)));
        Assert.Equal(3600, _leases.Remaining(3, At(0)));
        Assert.Equal(3600, _leases.Renew(1, At(1)));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
