using Discovery.Raft;
using Discovery.Simulator.Checks;
using Discovery.Simulator.Report;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;

namespace Discovery.Simulator.Cluster;

/// <summary>Looks on at what members do, counts it, and has the checkers judge it.</summary>
internal sealed class Observer
{
    /// <summary>
    /// Within it a lease that is over must end while all is well: the leader looks at each tick, and a renewal whose
    /// answer the client did not wait for may have come last.
    /// </summary>
    private static readonly TimeSpan LeaseGrace = TimeSpan.FromSeconds(6);

    private readonly Simulation _simulation;
    private readonly RaftInvariants _raft;
    private readonly SameStateCheck _states;
    private readonly Dictionary<NodeId, RaftStatus> _last = [];

    public Observer(Simulation simulation, double drift)
    {
        _simulation = simulation;
        _raft = new RaftInvariants(simulation.Position);
        _states = new SameStateCheck(simulation.Position);
        Truth = new RevisionHistory(simulation.Position);
        Leases = new LeaseCheck(simulation.Position, Truth, new LeaseTolerance(drift, LeaseGrace));
        Reads = new ReadCheck(simulation.Position, Truth);
        LookAtLeases();
    }

    /// <summary>What really happened, as members published it.</summary>
    public RevisionHistory Truth { get; }

    public LeaseCheck Leases { get; }

    public ReadCheck Reads { get; }

    /// <summary>A member has read its disk and begins.</summary>
    public void Started(MemberProcess process, OpenedData data)
    {
        _ = _last.Remove(process.Id);
        _raft.Started(process.Id, data.Restored);
    }

    /// <summary>A batch is given to the disk.</summary>
    public void PersistDue(MemberProcess process, PersistBatch batch)
    {
        _raft.PersistDue(process.Id, batch);
        _simulation.Tally.Max("max entries in a batch", batch.Entries.Count);
    }

    /// <summary>It is durable; the member does not know it yet.</summary>
    public void Persisted(MemberProcess process, PersistBatch batch)
    {
        _raft.Persisted(process.Id, batch);
        _simulation.Tally.Add("batches persisted");
    }

    /// <summary>A state is on the disk under its name; the member does not know it yet.</summary>
    public void SnapshotDurable(MemberProcess process, EntryId at) => _raft.SnapshotDurable(process.Id, at);

    /// <summary>A message leaves a member.</summary>
    public void Sent(PeerMessage message)
    {
        switch (message)
        {
            case RaftMessage raft:
                _raft.Sent(raft.Message);
                break;
            case Forward:
                _simulation.Tally.Add("batches forwarded");
                break;
        }
    }

    /// <summary>A member publishes what it has applied; nobody was answered yet.</summary>
    public void Published(MemberProcess process, KeyspaceView view)
    {
        Truth.Read(process, view);
        _states.Read(process, view);
        Leases.Read(view);
    }

    /// <summary>All members have applied the same: everything that they hold is compared.</summary>
    public void CompareAll(IEnumerable<MemberProcess> processes) =>
        _states.CompareAll(processes.Select(static process => ((object)process, process.Replica.View)));

    /// <summary>A member's disk is gone.</summary>
    public void Wiped(SimulatedMember member) => _raft.Wiped(member.Id);

    /// <summary>A member was called, or publishes what it applied.</summary>
    public void Observe(MemberProcess process)
    {
        RaftStatus now = process.Replica.Raft;
        _raft.Observe(now);
        bool isKnown = _last.TryGetValue(process.Id, out RaftStatus before);
        _last[process.Id] = now;
        if (isKnown && before.Role == now.Role && before.HardState.Term == now.HardState.Term && before.Leader == now.Leader)
        {
            return;
        }

        _simulation.Trace.Add(
            TraceKind.Role, process.Member.Name, (long)now.HardState.Term, (long)now.Last.Index, (long)now.HardState.Commit, now.Role.ToString());
        if (now.Role == RaftRole.Leader && before.Role != RaftRole.Leader)
        {
            _simulation.Tally.Add("elections won");
        }

        _simulation.Tally.Max("max log", (long)now.Last.Index);
    }

    private void LookAtLeases() => _simulation.Events.After(TimeSpan.FromSeconds(0.5), () =>
    {
        Leases.Tick();
        LookAtLeases();
    });
}
