using Discovery.Cluster.Tests.Setup;
using Discovery.Testing;

namespace Discovery.Cluster.Tests;

/// <summary>What a member without a majority answers: never nothing, and what etcd's clients know.</summary>
public sealed class LeaderlessTests
{
    [Fact]
    public Task Member_without_a_leader_says_so_to_everybody_and_serves_what_needs_none() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            RunningMember left = trial.Cluster.Members[0];
            var etcdctl = new Etcdctl(left.ClientUrl);
            await etcdctl.RunAsync("put", "/before", "1");
            string lease = (await etcdctl.RunAsync("lease", "grant", "600")).Split(' ')[1];
            await using RunningProcess watch = etcdctl.Start("watch", "/before");
            await Task.WhenAll(trial.Cluster.Members.Skip(1).Select(static m => m.KillAsync()));
            await Eventually.HoldsAsync(async () => (await left.TryStatusAsync())?.Leader == 0, saw: () => left.Tail, what: "the last member knows no leader");

            Assert.Equal("1\n", await etcdctl.RunAsync("get", "--consistency=s", "--print-value-only", "/before"));
            Assert.Contains("etcdserver: no leader", (await left.TryStatusAsync())!.Errors);
            Assert.Contains("\"health\":\"false\"", (await WebProbe.GetAsync(new Uri(left.ClientUrl, "/health"))).Body, StringComparison.Ordinal);
            Assert.Contains("\netcd_server_has_leader 0\n", (await WebProbe.GetAsync(new Uri(left.ClientUrl, "/metrics"))).Body, StringComparison.Ordinal);
            await Task.WhenAll(
                FailsAsync(etcdctl, TestRun.Engine == StoreEngine.Etcd ? "context deadline exceeded" : "etcdserver: request timed out", "put", "/x", "1"),
                FailsAsync(etcdctl, "etcdserver: no leader", "lease", "keep-alive", "--once", lease),
                FailsAsync(etcdctl, "etcdserver: unhealthy cluster", "member", "add", "m4", "--peer-urls=http://127.0.0.1:1"),
                EndsAsync(watch, "etcdserver: no leader"));

            foreach (RunningMember member in trial.Cluster.Members.Skip(1))
            {
                member.StartAgain();
            }

            await trial.Load.GoesOnAsync();
            await trial.Cluster.CaughtUpAsync();
        });

    private static async Task FailsAsync(Etcdctl etcdctl, string error, params string[] command)
    {
        await using RunningProcess process = etcdctl.Start(["--command-timeout=20s", .. command]);
        await EndsAsync(process, error);
    }

    private static async Task EndsAsync(RunningProcess process, string error)
    {
        FinishedProcess ended = await process.ExitAsync();
        Assert.NotEqual(0, ended.ExitCode);
        Assert.Contains(error, ended.Output + ended.Error, StringComparison.Ordinal);
    }
}
