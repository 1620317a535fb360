using Discovery.Cluster.Tests.Setup;
using Discovery.Testing;

namespace Discovery.Cluster.Tests;

/// <summary>Links between members that are slow, that swallow bytes for a while, or that refuse connections.</summary>
public sealed class SlowLinkTests
{
    [Fact]
    public Task Slow_links_depose_nobody_and_broken_ones_are_dialed_again() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine, IsRelayed = true, Flags = Faults.PreVote }, static async trial =>
        {
            for (int round = 0; round < TestRun.Choose(inCi: 1, inLong: 20); round++)
            {
                RunningMember leader = await trial.Cluster.LeaderAsync();
                foreach (RunningMember member in trial.Cluster.Members)
                {
                    member.Relay!.Delay = TimeSpan.FromMilliseconds(20);
                }

                await trial.Load.GoesOnAsync();
                Assert.Same(leader, await trial.Cluster.LeaderAsync());

                FaultRelay relay = (await trial.Cluster.FollowersAsync())[0].Relay!;
                relay.Cut();
                await trial.Load.GoesOnAsync();
                relay.Hold();
                await trial.Load.GoesOnAsync();
                relay.Open();

                await trial.Cluster.CaughtUpAsync();
            }
        });
}
