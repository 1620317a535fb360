using Discovery.Cluster.Tests.Setup;
using Discovery.Testing;

namespace Discovery.Cluster.Tests;

/// <summary>Power cuts of members, as far as kill -9 is one, under load.</summary>
public sealed class KillTests
{
    [Fact]
    public Task Killed_leaders_and_followers_lose_nothing_and_writes_go_on() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            for (int round = 0; round < TestRun.Choose(inCi: 3, inLong: 60); round++)
            {
                RunningMember leader = await trial.Cluster.LeaderAsync();
                await KillOneAsync(trial, leader);
                await KillOneAsync(trial, (await trial.Cluster.FollowersAsync())[0]);
            }
        });

    [Fact]
    public Task Majority_that_is_killed_stops_writes_and_comes_back_with_everything() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            for (int round = 0; round < TestRun.Choose(inCi: 1, inLong: 20); round++)
            {
                RunningMember[] majority = [await trial.Cluster.LeaderAsync(), (await trial.Cluster.FollowersAsync())[0]];
                await KillAndStartAgainAsync(trial, majority);
            }
        });

    [Fact]
    public Task All_members_killed_at_once_come_back_with_everything() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine }, static async trial =>
        {
            for (int round = 0; round < TestRun.Choose(inCi: 1, inLong: 20); round++)
            {
                await KillAndStartAgainAsync(trial, trial.Cluster.Members);
            }
        });

    [Fact]
    public Task Five_members_go_on_without_any_two() =>
        Trial.RunAsync(new() { Engine = TestRun.Engine, Members = 5 }, static async trial =>
        {
            for (int round = 0; round < TestRun.Choose(inCi: 1, inLong: 20); round++)
            {
                RunningMember[] two = [await trial.Cluster.LeaderAsync(), (await trial.Cluster.FollowersAsync())[round % 4]];
                await Task.WhenAll(two.Select(static m => m.KillAsync()));
                await trial.Load.GoesOnAsync();
                await StartAgainAsync(trial, two);
            }
        });

    private static async Task KillOneAsync(Trial trial, RunningMember member)
    {
        await member.KillAsync();
        await trial.Load.GoesOnAsync();
        await StartAgainAsync(trial, [member]);
    }

    private static async Task KillAndStartAgainAsync(Trial trial, IReadOnlyList<RunningMember> members)
    {
        await Task.WhenAll(members.Select(static m => m.KillAsync()));
        await StartAgainAsync(trial, members);
    }

    private static async Task StartAgainAsync(Trial trial, IReadOnlyList<RunningMember> members)
    {
        foreach (RunningMember member in members)
        {
            member.StartAgain();
        }

        await trial.Load.GoesOnAsync();
        await trial.Cluster.CaughtUpAsync();
    }
}
