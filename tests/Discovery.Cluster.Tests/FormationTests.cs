using Discovery.Cluster.Tests.Setup;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;

namespace Discovery.Cluster.Tests;

/// <summary>How members find each other, or are kept apart.</summary>
public sealed class FormationTests
{
    /// <summary>
    /// The documented way to several hosts, one at a time: the first alone, with state new and no list; <c>member add</c> on it; then the
    /// second, again with state new and no list. etcd forms a second cluster; ours adopts a member that was added and has no data.
    /// </summary>
    [Fact]
    public async Task Hosts_that_are_added_one_at_a_time_form_one_cluster()
    {
        await using RunningCluster cluster = RunningCluster.WithoutMembers(new() { Engine = TestRun.Engine });
        RunningMember first = cluster.NewMember("m1");
        first.Start("--initial-cluster-state", "new");
        await cluster.LeaderAsync();
        var etcdctl = new Etcdctl(first.ClientUrl);
        await etcdctl.RunAsync("put", "/before", "1");

        for (int host = 2; host <= 3; host++)
        {
            RunningMember added = cluster.NewMember($"m{host}");
            await etcdctl.RunAsync("member", "add", added.Name, $"--peer-urls={added.PeerUrl}");
            added.Start("--initial-cluster-state", "new");
            await added.AnswersAsync();
            if (TestRun.Engine == StoreEngine.Etcd)
            {
                await AssertTwoClustersAsync(first, added);
                return;
            }

            await added.CaughtUpAsync(first);
            await Eventually.HoldsAsync(async () => await new Etcdctl(added.ClientUrl).RunAsync("get", "/before", "--print-value-only") == "1\n");
            await etcdctl.RunAsync("put", $"/after/{host}", "1");

            // Counted at once, a member that never starts would cost the majority; so it is counted when it has caught up.
            await Eventually.HoldsAsync(
                async () => (await WebProbe.GetAsync(new Uri(added.ClientUrl, "/metrics"))).Body.Contains("\netcd_server_is_learner 0\n", StringComparison.Ordinal),
                saw: () => added.Tail,
                what: $"{added.Name} votes");
        }

        // All three count: any one may go.
        await first.KillAsync();
        Assert.Equal("OK\n", await new Etcdctl((await cluster.LeaderAsync()).ClientUrl).RunAsync("put", "/without/first", "1"));
    }

    [Fact]
    public async Task Majority_of_the_first_members_forms_the_cluster_and_the_last_comes_later()
    {
        await using RunningCluster cluster = RunningCluster.WithoutMembers(new() { Engine = TestRun.Engine });
        RunningMember[] members = [cluster.NewMember("m1"), cluster.NewMember("m2"), cluster.NewMember("m3")];
        string[] formation = ["--initial-cluster", cluster.InitialCluster, "--initial-cluster-state", "new"];
        members[0].Start(formation);
        members[1].Start(formation);
        RunningMember leader = await cluster.LeaderAsync();
        Assert.Equal("OK\n", await new Etcdctl(leader.ClientUrl).RunAsync("put", "/by/two", "1"));

        members[2].Start(formation);
        await members[2].AnswersAsync();
        await members[2].CaughtUpAsync(leader);

        // It counts: one of the first two may go.
        await leader.KillAsync();
        leader = await cluster.LeaderAsync();
        Assert.Equal("1\n", await new Etcdctl(leader.ClientUrl).RunAsync("get", "/by/two", "--print-value-only"));
    }

    [Fact]
    public Task Member_of_another_cluster_is_refused_and_told_so() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            RunningMember foreign = trial.Cluster.NewMember("foreign");
            foreign.Start("--initial-cluster", trial.Cluster.InitialCluster, "--initial-cluster-token", "other", "--initial-cluster-state", "new");

            string wanted = TestRun.Engine == StoreEngine.Etcd ? "cluster ID mismatch" : "found cluster ";
            await Eventually.HoldsAsync(
                () => trial.Cluster.Members.Any(m => m.Log.Contains(wanted, StringComparison.Ordinal)), saw: () => trial.Cluster.Tail);
            await trial.Load.GoesOnAsync();
            StatusResponse? status = await foreign.TryStatusAsync();
            Assert.True(status is null || status.Leader == 0, $"it has the leader {status?.Leader:x}");
            await foreign.KillAsync();
        });

    private static async Task AssertTwoClustersAsync(RunningMember first, RunningMember second)
    {
        StatusResponse? one = await first.TryStatusAsync(), other = await second.TryStatusAsync();
        Assert.NotEqual(one?.Header.ClusterId, other?.Header.ClusterId);
    }
}
