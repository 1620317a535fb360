using Discovery.Cluster.Tests.Setup;
using Discovery.Testing;

namespace Discovery.Cluster.Tests;

/// <summary>
/// Members that stand still and go on, as a frozen virtual machine does: they know nothing of the time that passed, and answer
/// what lies in their sockets.
/// </summary>
public sealed class PauseTests
{
    /// <summary>From a pause that nobody notices to one after which everybody else has a new leader.</summary>
    private static readonly TimeSpan[] Pauses = TestRun.Choose<TimeSpan[]>(
        inCi: [TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3)],
        inLong: [.. Enumerable.Repeat<double[]>([0.1, 0.5, 1, 1.5, 3, 10, 30], 10).SelectMany(static p => p).Select(TimeSpan.FromSeconds)]);

    [Fact]
    public Task Suspended_leaders_answer_nothing_stale_when_they_go_on() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            foreach (TimeSpan pause in Pauses)
            {
                await Faults.SuspendAsync(await trial.Cluster.LeaderAsync(), pause);
                await trial.Load.GoesOnAsync();
                await trial.Cluster.CaughtUpAsync();
            }
        });

    [Fact]
    public Task Cluster_elects_another_leader_while_its_own_stands_still() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            RunningMember leader = await trial.Cluster.LeaderAsync();
            leader.Suspend();

            Assert.NotSame(leader, await trial.Cluster.LeaderAsync());
            await trial.Load.GoesOnAsync();
            leader.Resume();
            await trial.Cluster.CaughtUpAsync();
        });

    [Fact]
    public Task Suspended_followers_disturb_nobody_and_catch_up() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            foreach (TimeSpan pause in Pauses.Skip(1))
            {
                RunningMember follower = (await trial.Cluster.FollowersAsync())[0];
                await Faults.SuspendAsync(follower, pause);
                await trial.Load.GoesOnAsync();
                await trial.Cluster.CaughtUpAsync();
            }
        });

    [Fact]
    public Task Whole_cluster_that_stands_still_goes_on_where_it_was() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            await Task.WhenAll(trial.Cluster.Members.Select(static m => Faults.SuspendAsync(m, TestRun.Choose(inCi: TimeSpan.FromSeconds(2), inLong: TimeSpan.FromSeconds(30)))));
            await trial.Load.GoesOnAsync();
            await trial.Cluster.CaughtUpAsync();
        });
}
