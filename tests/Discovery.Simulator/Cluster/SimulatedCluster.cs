using Discovery.Raft;
using Discovery.Simulator.Network;
using Discovery.Simulator.Report;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Discovery.Store.Peers;

namespace Discovery.Simulator.Cluster;

/// <summary>The machines of a cluster and the network between them.</summary>
/// <param name="simulation">Its time and chance.</param>
/// <param name="mixesVersions">Whether programs of different versions run in it.</param>
internal sealed class SimulatedCluster(Simulation simulation, bool mixesVersions)
{
    private readonly List<SimulatedMember> _members = [];

    public Simulation Simulation => simulation;

    /// <summary>Whether programs of different versions run in it.</summary>
    public bool MixesVersions => mixesVersions;

    /// <summary>What was allowed in it so far: an older program cannot run there any more (<see cref="MemberTable.FeatureLevel"/>).</summary>
    public uint FeatureLevel => _members.Max(static member => member.Process is { IsServing: true } process ? process.Replica.View.Members.FeatureLevel : 0);

    public SimulatedNetwork Network { get; } = new(simulation);

    /// <summary>All that take part, in the order in which they came.</summary>
    public IReadOnlyList<SimulatedMember> Members => _members;

    /// <summary>The member that leads in the latest term; null when none does.</summary>
    public SimulatedMember? Leader
    {
        get
        {
            SimulatedMember? leader = null;
            foreach (SimulatedMember member in _members)
            {
                if (member.Process is { IsServing: true } process
                    && process.Replica.Raft is { Role: RaftRole.Leader } status
                    && (leader is null || leader.Process!.Replica.Raft.HardState.Term < status.HardState.Term))
                {
                    leader = member;
                }
            }

            return leader;
        }
    }

    public void Add(SimulatedMember member) => _members.Add(member);

    public void Remove(SimulatedMember member) => _members.Remove(member);

    public SimulatedMember? Find(NodeId id) => _members.Find(member => member.Id == id);

    /// <summary>
    /// Sends a message as bytes: what a member gets shares nothing with what the other sent, and all of it went through
    /// the code that makes and distrusts frames.
    /// </summary>
    public void Send(SimulatedMember from, PeerMessage message)
    {
        simulation.Tally.Add("messages");
        if (Find(message.To) is not { } to)
        {
            simulation.Tally.Add("messages to nobody");
            return;
        }

        MemberProcess? sender = from.Process;
        byte[] frame = new byte[PeerCodec.FrameBytes(message)];
        PeerCodec.Encode(message, frame);
        simulation.Trace.Add(TraceKind.Sent, from.Name, frame[4], frame.Length, text: to.Name);
        Network.Link(from.Id, to.Id).Send(frame.Length, () =>
        {
            if (to.Process is { IsServing: true } process)
            {
                process.Run(() => process.Receive(Decode(frame, from.Id, to.Id)));
            }
            else
            {
                Refuse(sender, to.Id);
            }
        });
    }

    /// <summary>Nobody is there: a connection that breaks says so, if the word gets through.</summary>
    private void Refuse(MemberProcess? sender, NodeId to)
    {
        if (sender is { IsServing: true })
        {
            Network.Link(to, sender.Id).Send(0, () => sender.Run(() => sender.ReportUnreachable(to)));
        }
    }

    /// <summary>Becomes true when the others have forgotten the entries that the member lacks, or will not soon.</summary>
    public Func<bool> IsForgotten(SimulatedMember member)
    {
        ulong had = _members.Max(static other => other.Process?.AppliedIndex ?? 0);
        ulong needed = 2 * (ulong)member.Options.CatchUpEntries;
        TimeSpan latest = simulation.Now + TimeSpan.FromSeconds(20);
        return () => simulation.Now > latest || _members.Any(other => other.Process is { } process && process.AppliedIndex > had + needed);
    }

    private static PeerMessage Decode(byte[] frame, NodeId from, NodeId to)
    {
        FrameHeader header = FrameHeader.Read(frame, frame.Length - FrameHeader.Bytes);
        return PeerCodec.Decode(header.Kind, frame.AsSpan(FrameHeader.Bytes), from, to);
    }
}
