using Discovery.Raft;
using Discovery.Simulator.Report;
using Discovery.Store.Consensus;

namespace Discovery.Simulator.Cluster;

/// <summary>Looks on at what members do, counts it, and has the checkers judge it.</summary>
internal sealed class Observer(Simulation simulation)
{
    private readonly Dictionary<NodeId, RaftStatus> _last = [];

    /// <summary>A member has read its disk and begins.</summary>
    public void Started(MemberProcess process, OpenedData data)
    {
        _ = _last.Remove(process.Id);
        _ = data;
    }

    /// <summary>A batch is given to the disk.</summary>
    public void PersistDue(MemberProcess process, PersistBatch batch)
    {
        _ = process;
        simulation.Tally.Max("max entries in a batch", batch.Entries.Count);
    }

    /// <summary>It is durable; the member does not know it yet.</summary>
    public void Persisted(MemberProcess process, PersistBatch batch)
    {
        _ = process;
        _ = batch;
        simulation.Tally.Add("batches persisted");
    }

    /// <summary>A message leaves a member.</summary>
    public void Sent(MemberProcess process, PeerMessage message)
    {
        _ = process;
        if (message is Forward)
        {
            simulation.Tally.Add("batches forwarded");
        }
    }

    /// <summary>A member has done all that it had to.</summary>
    public void Turned(MemberProcess process)
    {
        RaftStatus now = process.Replica.Raft;
        bool isKnown = _last.TryGetValue(process.Id, out RaftStatus before);
        _last[process.Id] = now;
        if (isKnown && before.Role == now.Role && before.HardState.Term == now.HardState.Term && before.Leader == now.Leader)
        {
            return;
        }

        simulation.Trace.Add(TraceKind.Role, process.Member.Name, (long)now.HardState.Term, (long)now.Last.Index, (long)now.HardState.Commit, now.Role.ToString());
        if (now.Role == RaftRole.Leader && before.Role != RaftRole.Leader)
        {
            simulation.Tally.Add("elections won");
        }

        simulation.Tally.Max("max log", (long)now.Last.Index);
    }
}
