using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Faults;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;
using Discovery.Store;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using Kind = Discovery.EtcdApi.Messages.MemberCommand.Types.Kind;

namespace Discovery.Simulator.Workload;

/// <summary>
/// Who runs the cluster: replaces members whose disk is beyond repair, and in some seeds adds, promotes and removes
/// members and moves the lead, whatever else goes wrong meanwhile.
/// </summary>
internal sealed class Operator(
    SimulatedCluster cluster, ClientAccess access, FaultBudget budget, Func<int, StoreOptions> optionsOf, bool isBusy)
{
    private const int MembersMax = 7;

    /// <summary>Calls carry it as who made them.</summary>
    private const int Id = 1000;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(8);

    private readonly Simulation _simulation = cluster.Simulation;
    private readonly Chance _chance = cluster.Simulation.ChanceOf("operator");
    private readonly List<SimulatedMember> _ordered = [];
    private readonly int _membersAtStart = cluster.Members.Count;
    private int _lastNumber = cluster.Members.Count;

    /// <summary>Works until the end; after the token only what must be done.</summary>
    public async Task RunAsync(CancellationToken enough)
    {
        while (true)
        {
            await _simulation.WaitAsync(_chance.Around(TimeSpan.FromSeconds(isBusy && !enough.IsCancellationRequested ? 3 : 0.7)));
            if (cluster.Members.All(static member => member.ClusterId == 0))
            {
                // Nobody has come up yet: there is no cluster to run.
                continue;
            }

            InstallOrdered();
            RetireRemoved();
            if (cluster.Members.FirstOrDefault(static member => member.IsLost) is { } lost)
            {
                await ReplaceAsync(lost);
            }
            else if (isBusy && !enough.IsCancellationRequested)
            {
                await ChangeAsync();
            }
        }
    }

    /// <summary>Whether all members have a machine, and all machines a member.</summary>
    public bool IsSettled()
    {
        MemberTable table = Table();
        return !table.ById.IsEmpty
            && table.ById.Keys.All(id => cluster.Find(new NodeId(id)) is not null)
            && cluster.Members.All(member => table.ById.ContainsKey(member.Id.Value) && !member.IsLost);
    }

    private Task ChangeAsync()
    {
        MemberTable table = Table();
        MemberRecord[] members = [.. table.ById.Values];
        switch (_chance.Below(5))
        {
            case 0 or 1 when members.Length < MembersMax:
                return AddAsync(table);
            case 2 when members.FirstOrDefault(static member => member.IsLearner && !member.IsPending) is { } learner:
                return DecideAsync("promote", Kind.Promote, new Member { ID = learner.Id });
            case 3 when members.Length > Math.Max(1, _membersAtStart - 1):
                SimulatedMember? leaving = cluster.Find(new NodeId(_chance.Pick(members).Id));
                return leaving is not null && budget.MayRemove(leaving) ? RemoveAsync(leaving) : Task.CompletedTask;
            default:
                return MoveLeadAsync(members);
        }
    }

    /// <summary>The old one out first: its vote is lost, so it must not count any more.</summary>
    private async Task ReplaceAsync(SimulatedMember lost)
    {
        await RemoveAsync(lost);
        RetireRemoved();
        if (!cluster.Members.Contains(lost) && cluster.Members.Count < _membersAtStart)
        {
            await AddAsync(Table());
        }
    }

    private Task<ClientCall> AddAsync(MemberTable table)
    {
        int number = ++_lastNumber;
        StoreOptions options = optionsOf(number);
        long seconds = 1_800_000_000 + (long)_simulation.Now.TotalSeconds;
        ulong id = MemberIds.OfAdded(options.EffectiveAdvertisePeerUrls, seconds, table.IsTaken);
        _ordered.Add(new SimulatedMember(cluster, $"m{number}", options, new NodeId(id))
        {
            Joins = new WalIdentity(cluster.Members.First(static member => member.ClusterId != 0).ClusterId, id),
        });
        var member = new Member { ID = id, PeerURLs = { options.EffectiveAdvertisePeerUrls }, IsLearner = _chance.Happens(0.4) };
        return DecideAsync("add", Kind.Add, member);
    }

    private Task<ClientCall> RemoveAsync(SimulatedMember member) => DecideAsync("remove", Kind.Remove, new Member { ID = member.Id.Value });

    private Task<ClientCall> DecideAsync(string what, Kind kind, Member member)
    {
        _simulation.Tally.Add($"member {what}");
        var command = new MemberCommand { Kind = kind, Members = { member }, Pending = kind == Kind.Add && !member.IsLearner };
        return access.CallAsync(Id, _chance.Pick(cluster.Members), command, server => server.DecideAsync(CommandKind.Member, command), Timeout);
    }

    private Task MoveLeadAsync(MemberRecord[] members)
    {
        if (members.Length < 2 || cluster.Leader is not { } leader)
        {
            return Task.CompletedTask;
        }

        _simulation.Tally.Add("member lead moved");
        var request = new MoveLeaderRequest { TargetID = _chance.Pick(members).Id };
        return access.CallAsync(Id, leader, request, server => server.MoveLeaderAsync(request), Timeout);
    }

    /// <summary>A machine is installed once the cluster knows its member, whatever the answer to the call was.</summary>
    private void InstallOrdered()
    {
        MemberTable table = Table();
        foreach (SimulatedMember machine in _ordered.Where(machine => table.ById.ContainsKey(machine.Id.Value)).ToArray())
        {
            _ordered.Remove(machine);
            cluster.Add(machine);
            machine.Start();
        }
    }

    private void RetireRemoved()
    {
        MemberTable table = Table();
        foreach (SimulatedMember machine in cluster.Members.Where(machine => table.Removed.Contains(machine.Id.Value)).ToArray())
        {
            _simulation.Trace.Add(TraceKind.End, machine.Name, text: "retired");
            machine.Kill(losesPower: true, "retired");
            cluster.Remove(machine);
        }
    }

    /// <summary>The members as the one knows them that has applied most.</summary>
    private MemberTable Table() => cluster.Members
        .Where(static member => member.Process is { IsServing: true })
        .MaxBy(static member => member.Process!.AppliedIndex)?.Process!.Replica.View.Members ?? MemberTable.Empty;
}
