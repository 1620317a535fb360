using Discovery.Cluster.Tests.Setup;
using Discovery.Testing;

namespace Discovery.Cluster.Tests;

/// <summary>Members that come and go while clients write, by etcdctl as etcd documents it.</summary>
public sealed class MembershipTests
{
    private static readonly int Rounds = TestRun.Choose(inCi: 1, inLong: 15);

    [Fact]
    public Task Wiped_member_is_removed_added_again_and_comes_back_under_a_new_id() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                RunningMember wiped = (await trial.Cluster.FollowersAsync())[round % 2];
                Etcdctl etcdctl = await EtcdctlOfLeaderAsync(trial);
                ulong before = await IdAsync(etcdctl, wiped);
                await wiped.KillAsync();
                wiped.Wipe();

                await ChangeAsync(etcdctl, "member", "remove", $"{before:x}");
                wiped.Start(await AddAsync(etcdctl, wiped));
                await wiped.AnswersAsync();
                await trial.Cluster.CaughtUpAsync();

                Assert.NotEqual(before, await IdAsync(etcdctl, wiped));
                await trial.Load.GoesOnAsync();
            }
        });

    /// <summary>Its votes and acknowledgements are gone: who takes part under its old name may elect a leader that lacks them.</summary>
    [Fact]
    public Task Wiped_member_cannot_come_back_under_its_old_id() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            RunningMember wiped = (await trial.Cluster.FollowersAsync())[0];
            await wiped.KillAsync();
            wiped.Wipe();
            wiped.StartAgain();

            FinishedProcess ended = await wiped.EndsAsync();

            Assert.NotEqual(0, ended.ExitCode);
            Assert.Contains("has already been bootstrapped", wiped.Log, StringComparison.Ordinal);
            await trial.Load.GoesOnAsync();
        });

    /// <summary>Only ours: etcd's asks whoever answers, and when nobody does it trusts itself.</summary>
    [Fact]
    public Task Wiped_member_that_is_started_before_the_others_waits_for_them_and_ends() =>
        TestRun.Engine == StoreEngine.Etcd ? Task.CompletedTask : Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            RunningMember wiped = trial.Cluster.Members[0], knows = trial.Cluster.Members[1], other = trial.Cluster.Members[2];
            await Task.WhenAll(trial.Cluster.Members.Select(static m => m.KillAsync()));
            wiped.Wipe();
            wiped.StartAgain();
            await Eventually.HoldsAsync(() => wiped.Log.Contains("waits for others before it votes", StringComparison.Ordinal), saw: () => wiped.Tail);

            // Twice: the data that it made meanwhile must not make it trustworthy.
            await wiped.KillAsync();
            wiped.StartAgain();
            knows.StartAgain();
            FinishedProcess ended = await wiped.EndsAsync();

            Assert.Equal(1, ended.ExitCode);
            Assert.Contains("has already been bootstrapped", ended.Error, StringComparison.Ordinal);
            other.StartAgain();
            await trial.Load.GoesOnAsync();
        });

    [Fact]
    public Task Removed_members_end_and_the_others_go_on_also_when_it_was_the_leader() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine, Members = 5 }, static async trial =>
        {
            RunningMember[] removed = [(await trial.Cluster.FollowersAsync())[0], await trial.Cluster.LeaderAsync()];
            foreach (RunningMember member in removed)
            {
                Etcdctl etcdctl = await EtcdctlOfLeaderAsync(trial);
                await ChangeAsync(etcdctl, "member", "remove", $"{await IdAsync(etcdctl, member):x}");
                FinishedProcess ended = await member.EndsAsync();
                Assert.Equal(TestRun.Engine == StoreEngine.Etcd ? 0 : 1, ended.ExitCode);
                await trial.Load.GoesOnAsync();
            }

            string list = await (await EtcdctlOfLeaderAsync(trial)).RunAsync("member", "list");
            Assert.Equal(3, list.TrimEnd().Split('\n').Length);
        });

    [Fact]
    public Task Learner_is_added_promoted_and_counts() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine, Members = 2 }, static async trial =>
        {
            Etcdctl etcdctl = await EtcdctlOfLeaderAsync(trial);
            RunningMember learner = trial.Cluster.NewMember("m3");
            learner.Start(await AddAsync(etcdctl, learner, "--learner"));
            await learner.AnswersAsync();
            Assert.True((await learner.TryStatusAsync())?.IsLearner);

            await ChangeAsync(etcdctl, "member", "promote", $"{await IdAsync(etcdctl, learner):x}");
            await Eventually.HoldsAsync(async () => (await learner.TryStatusAsync())?.IsLearner == false, saw: () => learner.Tail);

            // Two of three are a majority only if the third votes.
            RunningMember other = (await trial.Cluster.FollowersAsync()).First(m => m != learner);
            await other.KillAsync();
            await trial.Load.GoesOnAsync();
            other.StartAgain();
            await trial.Cluster.CaughtUpAsync();
        });

    [Fact]
    public Task Leadership_moves_where_it_is_told_to() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                Etcdctl etcdctl = await EtcdctlOfLeaderAsync(trial);
                RunningMember next = (await trial.Cluster.FollowersAsync())[0];

                await etcdctl.RunAsync("move-leader", $"{await IdAsync(etcdctl, next):x}");

                Assert.Same(next, await trial.Cluster.LeaderAsync());
                await trial.Load.GoesOnAsync();
            }
        });

    [Fact]
    public Task Member_moves_to_another_peer_url_and_back() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            RunningMember moved = (await trial.Cluster.FollowersAsync())[0];
            Etcdctl etcdctl = await EtcdctlOfLeaderAsync(trial);
            await using var relay = new FaultRelay(new Uri(moved.PeerUrl).Port);
            string url = $"http://127.0.0.1:{relay.Port}", id = $"{await IdAsync(etcdctl, moved):x}";

            await etcdctl.RunAsync("member", "update", id, $"--peer-urls={url}");

            Assert.Contains(url, await etcdctl.RunAsync("member", "list"), StringComparison.Ordinal);
            await Eventually.HoldsAsync(() => relay.HasPassed, what: "peers dial the new URL");
            await trial.Load.GoesOnAsync();
            await trial.Cluster.CaughtUpAsync();

            await etcdctl.RunAsync("member", "update", id, $"--peer-urls={moved.PeerUrl}");
            relay.Cut();
            await trial.Load.GoesOnAsync();
            await trial.Cluster.CaughtUpAsync();
        });

    private static async Task<Etcdctl> EtcdctlOfLeaderAsync(Trial trial) => new((await trial.Cluster.LeaderAsync()).ClientUrl);

    /// <summary>Adds a member and gives the flags that etcdctl says to start it with.</summary>
    private static async Task<string[]> AddAsync(Etcdctl etcdctl, RunningMember member, params string[] more)
    {
        string said = await ChangeAsync(etcdctl, ["member", "add", member.Name, $"--peer-urls={member.PeerUrl}", .. more]);
        Assert.Contains("ETCD_INITIAL_CLUSTER_STATE=\"existing\"", said, StringComparison.Ordinal);
        string cluster = said.Split('\n').Single(static line => line.StartsWith("ETCD_INITIAL_CLUSTER=", StringComparison.Ordinal)).Split('"')[1];
        return ["--initial-cluster", cluster, "--initial-cluster-state", "existing"];
    }

    /// <summary>
    /// Runs a command until it is not refused for what passes: etcd wants every member to have been connected for five seconds, and
    /// a learner to be in sync, before a change.
    /// </summary>
    private static async Task<string> ChangeAsync(Etcdctl etcdctl, params string[] command)
    {
        string said = "";
        await Eventually.HoldsAsync(
            async () =>
            {
                FinishedProcess done = await etcdctl.TryAsync(command);
                said = done.Output + done.Error;
                bool mayPass = said.Contains("unhealthy cluster", StringComparison.Ordinal) || said.Contains("in sync with leader", StringComparison.Ordinal);
                Assert.True(done.ExitCode == 0 || mayPass, $"etcdctl {string.Join(' ', command)}: {said}");
                return done.ExitCode == 0;
            },
            saw: () => said,
            what: $"etcdctl {string.Join(' ', command)} succeeds");
        return said;
    }

    private static async Task<ulong> IdAsync(Etcdctl etcdctl, RunningMember member)
    {
        // "8e9e05c52164694d, started, m1, http://127.0.0.1:2380, http://127.0.0.1:2379, false"; no name before it has started.
        string list = await etcdctl.RunAsync("member", "list");
        string line = list.Split('\n').First(l => l.Contains(member.PeerUrl, StringComparison.Ordinal));
        return Convert.ToUInt64(line.Split(',')[0], 16);
    }
}
