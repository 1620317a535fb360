using Discovery.Cluster.Tests.Setup;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;

namespace Discovery.Cluster.Tests;

/// <summary>Members that are stopped in order, as an upgrade of every host in turn does.</summary>
public sealed class StopTests
{
    /// <summary>etcd ends by the signal that it was sent; who is not process 1 is told so.</summary>
    private static readonly int StoppedCode = TestRun.Engine == StoreEngine.Etcd ? 128 + 15 : 0;

    [Fact]
    public Task Stopped_leaders_hand_over_so_that_one_election_is_enough() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine, Flags = Faults.PreVote }, static async trial =>
        {
            for (int round = 0; round < TestRun.Choose(inCi: 2, inLong: 30); round++)
            {
                RunningMember leader = await trial.Cluster.LeaderAsync();
                StatusResponse? before = await leader.TryStatusAsync();

                Assert.Equal(StoppedCode, (await leader.StopAsync()).ExitCode);

                StatusResponse? after = await (await trial.Cluster.LeaderAsync()).TryStatusAsync();
                Assert.Equal(before!.RaftTerm + 1, after!.RaftTerm);
                await trial.Load.GoesOnAsync();
                leader.StartAgain();
                await leader.AnswersAsync();
                await trial.Cluster.CaughtUpAsync();
            }
        });
}
