using Discovery.Cluster.Tests.Setup;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;

namespace Discovery.Cluster.Tests;

/// <summary>Packets between members that are lost, both ways or one, while clients reach all members. Needs root.</summary>
public sealed class PartitionTests
{
    private static readonly int Rounds = TestRun.Choose(inCi: 1, inLong: 20);

    /// <summary>How long a cut lasts beyond what is waited for in it: longer than an election.</summary>
    private static readonly TimeSpan Cut = TestRun.Choose(inCi: TimeSpan.FromSeconds(2), inLong: TimeSpan.FromSeconds(30));

    [Fact]
    public Task Leader_that_is_cut_off_is_replaced_and_takes_back_what_nobody_acknowledged() =>
        RunAsync(members: 3, async (trial, network) =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                RunningMember leader = await trial.Cluster.LeaderAsync();
                await network.SplitAsync(IndexOf(trial, leader));
                await Eventually.HoldsAsync(async () => await trial.Cluster.LeaderAsync() != leader, saw: () => trial.Cluster.Tail);
                await trial.Load.GoesOnAsync();
                await HealAsync(trial, network);
            }
        });

    /// <summary>A follower that hears nobody asks before it raises its term (pre-vote), so its return forces no election.</summary>
    [Fact]
    public Task Follower_that_is_cut_off_deposes_nobody_when_it_comes_back() =>
        RunAsync(members: 3, async (trial, network) =>
        {
            RunningMember leader = await trial.Cluster.LeaderAsync();
            ulong term = await TermAsync(leader);
            await network.SplitAsync(IndexOf(trial, (await trial.Cluster.FollowersAsync())[0]));
            await trial.Load.GoesOnAsync();
            await Faults.LastAsync(Cut);
            await HealAsync(trial, network);

            Assert.Same(leader, await trial.Cluster.LeaderAsync());
            Assert.Equal(term, await TermAsync(leader));
        });

    [Fact]
    public Task Leader_that_cannot_hear_or_cannot_be_heard_is_replaced() =>
        RunAsync(members: 3, async (trial, network) =>
        {
            for (int round = 0; round < 2 * Rounds; round++)
            {
                RunningMember leader = await trial.Cluster.LeaderAsync();
                int index = IndexOf(trial, leader);
                foreach (int other in Enumerable.Range(0, 3).Where(o => o != index))
                {
                    await (round % 2 == 0 ? network.CutAsync(from: other, to: index) : network.CutAsync(from: index, to: other));
                }

                await Eventually.HoldsAsync(async () => await trial.Cluster.LeaderAsync() != leader, saw: () => trial.Cluster.Tail);
                await trial.Load.GoesOnAsync();
                await HealAsync(trial, network);
            }
        });

    /// <summary>The leader and one follower do not reach each other, the third reaches both.</summary>
    [Fact]
    public Task Lost_link_between_two_of_three_does_not_stop_writes() =>
        RunAsync(members: 3, async (trial, network) =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                int leader = IndexOf(trial, await trial.Cluster.LeaderAsync());
                int follower = IndexOf(trial, (await trial.Cluster.FollowersAsync())[0]);
                await network.CutAsync(leader, follower);
                await network.CutAsync(follower, leader);
                await Faults.LastAsync(Cut);
                await trial.Load.GoesOnAsync();
                await HealAsync(trial, network);
            }
        });

    [Fact]
    public Task Minority_of_five_with_the_leader_in_it_acknowledges_nothing_that_is_lost() =>
        RunAsync(members: 5, async (trial, network) =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                RunningMember leader = await trial.Cluster.LeaderAsync();
                HashSet<int> minority = [IndexOf(trial, leader), IndexOf(trial, (await trial.Cluster.FollowersAsync())[0])];
                await network.SplitAsync(minority);

                await Eventually.HoldsAsync(
                    async () => !minority.Contains(IndexOf(trial, await trial.Cluster.LeaderAsync())), saw: () => trial.Cluster.Tail);
                await trial.Load.GoesOnAsync();
                await HealAsync(trial, network);
            }
        });

    private static async Task RunAsync(int members, Func<Trial, ClusterNetwork, Task> test)
    {
        await using ClusterNetwork network = await ClusterNetwork.CreateAsync(members);
        await Trial.RunAsync(
            new() { Engine = TestRun.Engine, Members = members, Network = network, Flags = Faults.PreVote },
            trial => test(trial, network));
    }

    private static async Task HealAsync(Trial trial, ClusterNetwork network)
    {
        await network.HealAsync();
        await trial.Load.GoesOnAsync();
        await trial.Cluster.CaughtUpAsync();
    }

    private static async Task<ulong> TermAsync(RunningMember member)
    {
        StatusResponse? status = await member.TryStatusAsync();
        Assert.NotNull(status);
        return status.RaftTerm;
    }

    private static int IndexOf(Trial trial, RunningMember member) => trial.Cluster.Members.ToList().IndexOf(member);
}
