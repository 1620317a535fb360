using System.Text;
using Discovery.Raft;
using Discovery.Simulator.Checks;

namespace Discovery.Simulator.Tests.Checks;

/// <summary>
/// Three members as a driver would report them, by hand. <see cref="Elected"/> gives a healthy start: member 1 leads
/// term 2 and its first entry, 2.2, is on the disks of 1 and 2, committed and applied by 1.
/// </summary>
internal sealed class RaftScript
{
    public static readonly Membership Three = new([new(1), new(2), new(3)]);

    private readonly Membership _membership;
    private readonly Dictionary<ulong, HardState> _hardStates = [];
    private readonly Dictionary<ulong, ulong> _applied = [];

    /// <param name="members">How many are formed, with the ids from 1.</param>
    public RaftScript(int members = 3)
    {
        _membership = new Membership(Enumerable.Range(1, members).Select(static id => new NodeId((ulong)id)));
        Checks = new RaftInvariants(new RunPosition { Step = 7, Now = TimeSpan.FromSeconds(1) });
        foreach (NodeId id in _membership.Voters)
        {
            Start(id.Value, RestoredState.Formed(_membership));
        }
    }

    public RaftInvariants Checks { get; }

    public static Entry Command(ulong term, ulong index, string payload = "x") =>
        new(new EntryId(term, index), EntryKind.Command, Encoding.UTF8.GetBytes(payload));

    public static Entry NoOp(ulong term, ulong index) => new(new EntryId(term, index), EntryKind.NoOp, default);

    public static Entry Change(ulong term, ulong index, Membership membership) =>
        new(new EntryId(term, index), EntryKind.Membership, membership.Encode());

    public static RaftScript Elected()
    {
        var script = new RaftScript();
        script.Vote(1, 2, 1);
        script.Vote(2, 2, 1);
        script.Says(1, RaftRole.Leader, 2, last: new(2, 2), commit: 1);
        script.Writes(1, 2, NoOp(2, 2));
        script.Writes(2, 2, NoOp(2, 2));
        script.Says(1, RaftRole.Leader, 2, last: new(2, 2), commit: 2, applied: 2);
        return script;
    }

    public void Start(ulong node, RestoredState restored)
    {
        _hardStates[node] = restored.HardState;
        _applied.Remove(node);
        Checks.Started(new(node), restored);
    }

    /// <summary>A restart that finds these entries after the formed cluster's first, and the last hard state.</summary>
    public void Restart(ulong node, params Entry[] entries) =>
        Start(node, new RestoredState(_hardStates[node], default, Membership.None, [Change(1, 1, Three), .. entries]));

    public void Vote(ulong node, ulong term, ulong candidate) => Persist(node, new HardState(term, new NodeId(candidate), 1));

    public void Writes(ulong node, ulong term, params Entry[] entries)
    {
        HardState before = _hardStates[node];
        Persist(node, new HardState(term, term == before.Term ? before.VotedFor : null, before.Commit, before.IsRecovering), entries);
    }

    public void Persist(ulong node, HardState state, params Entry[] entries)
    {
        PersistBatch batch = Batch(state, entries);
        Checks.PersistDue(new(node), batch);
        Checks.Persisted(new(node), batch);
        _hardStates[node] = state;
    }

    public static PersistBatch Batch(HardState state, params Entry[] entries) => new() { HardState = state, Entries = entries };

    public void Says(
        ulong node,
        RaftRole role,
        ulong term,
        EntryId last,
        ulong commit,
        ulong? applied = null,
        ulong? persisted = null,
        Membership? membership = null,
        ulong? votedFor = null)
    {
        NodeId? vote = votedFor is { } voted ? new NodeId(voted) : _hardStates[node].Term == term ? _hardStates[node].VotedFor : null;
        var status = new RaftStatus(
            new(node), role, null, new HardState(term, vote, commit), last, persisted ?? last.Index, applied ?? _applied.GetValueOrDefault(node), membership ?? _membership);
        _applied[node] = status.Applied;
        Checks.Observe(status);
    }

    public void Sends(ulong node, MessageKind kind, ulong to, ulong term, EntryId log = default) =>
        Checks.Sent(new Message(kind, new(node), new(to), term) { Accepted = true, Log = log });
}
