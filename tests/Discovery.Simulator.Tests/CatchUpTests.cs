using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Cluster;
using Discovery.Store;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Simulator.Tests;

/// <summary>
/// More is written while a snapshot is made and fetched than a leader keeps for nobody: at 40,000 puts a second 5,000
/// entries are an eighth of a second. Whoever lags must catch up all the same, or it is chased by snapshots for ever.
/// </summary>
public sealed class CatchUpTests
{
    private const int KeptForNobody = 20;

    private readonly Simulation _simulation = new(seed: 1);
    private readonly SimulatedCluster _cluster;
    private int _puts;

    public CatchUpTests()
    {
        _cluster = new SimulatedCluster(_simulation, mixesVersions: false);
        for (int i = 1; i <= 3; i++)
        {
            var member = new SimulatedMember(_cluster, $"m{i}", Options(i));
            member.Disk.Faults.Slowness = 20;
            _cluster.Add(member);
            member.Start();
        }

        Assert.True(_simulation.RunUntil(() => _cluster.Leader is not null, TimeSpan.FromSeconds(10)), "no leader");
        Put();
    }

    [Fact]
    public void Member_that_was_away_catches_up_under_load()
    {
        SimulatedMember away = Follower();
        away.Kill(losesPower: false, "test");
        RunFor(TimeSpan.FromSeconds(5));
        away.Start();

        AssertCatchesUp(away);
        Assert.InRange(_simulation.Tally["snapshots installed"], 1, 2);
    }

    /// <summary>A garbage collection, a slow sync: it is still heard of, and gets what it lacks from the log.</summary>
    [Fact]
    public void Member_that_stood_still_for_a_moment_needs_no_snapshot()
    {
        SimulatedMember slow = Follower();
        RunFor(TimeSpan.FromSeconds(1));
        slow.Process!.Pause();
        RunFor(TimeSpan.FromSeconds(0.5));
        slow.Process!.Resume();

        AssertCatchesUp(slow);
        Assert.Equal(0, _simulation.Tally["snapshots installed"]);
    }

    private SimulatedMember Follower() => _cluster.Members.First(member => member != _cluster.Leader);

    private void RunFor(TimeSpan time) => _simulation.RunUntil(_simulation.Now + time);

    private void AssertCatchesUp(SimulatedMember member)
    {
        bool isThere = _simulation.RunUntil(
            () => member.Process!.AppliedIndex + (2 * KeptForNobody) >= _cluster.Leader?.Process!.AppliedIndex, _simulation.Now + TimeSpan.FromSeconds(10));

        Assert.True(isThere, $"{member.Name} has applied {member.Process!.AppliedIndex}, the leader {_cluster.Leader?.Process!.AppliedIndex}\n{_simulation.Tally}");
    }

    /// <summary>Two a millisecond: a snapshot on this disk takes the time of 3 to 30.</summary>
    private void Put()
    {
        if (_cluster.Leader?.Process is { } process)
        {
            var put = new PutRequest { Key = ByteString.CopyFromUtf8($"{++_puts % 100}"), Value = ByteString.CopyFrom(new byte[100]) };
            process.Enter(process.Replica.Admit(new Command(CommandKind.Put, put), isDiskFull: false, out EtcdError? _)!);
        }

        _simulation.Events.After(TimeSpan.FromMilliseconds(0.5), Put);
    }

    private static StoreOptions Options(int number) => new()
    {
        Name = $"m{number}",
        DataDir = $"m{number}",
        SnapshotCount = 200,
        CatchUpEntries = KeptForNobody,
        AutoCompactionMode = "revision",
        AutoCompactionRetention = "100",
        ListenPeerUrls = [$"http://10.0.0.{number}:2380"],
        InitialCluster = string.Join(',', Enumerable.Range(1, 3).Select(static i => $"m{i}=http://10.0.0.{i}:2380")),
    };
}
