using Discovery.Raft;
using Discovery.Simulator.Checks;
using Discovery.Simulator.Report;
using Discovery.Store.Consensus;

namespace Discovery.Simulator.Cluster;

/// <summary>Looks on at what members do, counts it, and has the checkers of Raft judge it.</summary>
internal sealed class Observer(Simulation simulation)
{
    private readonly RaftInvariants _raft = new(simulation.Position);
    private readonly Dictionary<NodeId, RaftStatus> _last = [];

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
        simulation.Tally.Max("max entries in a batch", batch.Entries.Count);
    }

    /// <summary>It is durable; the member does not know it yet.</summary>
    public void Persisted(MemberProcess process, PersistBatch batch)
    {
        _raft.Persisted(process.Id, batch);
        simulation.Tally.Add("batches persisted");
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
                simulation.Tally.Add("batches forwarded");
                break;
        }
    }

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

        simulation.Trace.Add(
            TraceKind.Role, process.Member.Name, (long)now.HardState.Term, (long)now.Last.Index, (long)now.HardState.Commit, now.Role.ToString());
        if (now.Role == RaftRole.Leader && before.Role != RaftRole.Leader)
        {
            simulation.Tally.Add("elections won");
        }

        simulation.Tally.Max("max log", (long)now.Last.Index);
    }
}
