using Discovery.Raft;
using Discovery.Simulator.Checks;

namespace Discovery.Simulator.Tests.Checks;

public sealed class LivenessCheckTests
{
    private static readonly NodeId One = new(1);
    private readonly RunPosition _position = new();
    private readonly LivenessCheck _check;

    public LivenessCheckTests()
    {
        _check = new LivenessCheck(_position);
        Observe(100, leader: null, pending: 5, behind: 5);
        _check.FaultsStopped();
    }

    [Fact]
    public void Cluster_that_comes_back_in_time_is_settled()
    {
        Observe(4, leader: null, pending: 5, behind: 5);
        Observe(10, One, pending: 1, behind: 5);
        Assert.False(_check.IsSettled);
        Observe(10, One, pending: 0, behind: 5);

        Observe(1, One, pending: 0, behind: 0);

        Assert.True(_check.IsSettled);
    }

    [Fact]
    public void Cluster_without_a_leader_is_found() => AssertBroken("no common leader", () => Observe(6, leader: null, pending: 0, behind: 0));

    [Fact]
    public void Operation_that_never_ends_is_found() => AssertBroken("have not ended", () => Observe(16, One, pending: 1, behind: 0));

    [Fact]
    public void Member_that_stays_behind_is_found() => AssertBroken("wanted the same", () => Observe(31, One, pending: 0, behind: 1));

    [Fact]
    public void Nothing_is_promised_once_faults_begin_again()
    {
        _check.FaultsBegin();

        Observe(100, leader: null, pending: 5, behind: 5);
    }

    private void Observe(double seconds, NodeId? leader, int pending, ulong behind)
    {
        _position.Now += TimeSpan.FromSeconds(seconds);
        _check.Observe(leader, pending, [(One, 100), (new NodeId(2), 100 - behind)]);
    }

    private static void AssertBroken(string why, Action act)
    {
        Violation violation = Assert.Throws<ViolationException>(act).Violation;
        Assert.Equal("liveness", violation.Checker);
        Assert.Contains(why, violation.Text, StringComparison.Ordinal);
    }
}
