namespace Discovery.Raft.Tests;

/// <summary>
/// One member as a store runs it: a node, a disk, and a state machine that remembers what it applied. Each input is a
/// method; <see cref="Turn"/> does what the node wants done, in the order of <see cref="Ready"/>.
/// </summary>
internal sealed class Member
{
    private const int TurnsMax = 1_000;

    private readonly Nodes _nodes;
    private readonly RaftSettings _settings;
    private RaftNode? _node;
    private int _starts;

    public Member(Nodes nodes, RaftSettings settings, RestoredState initial)
    {
        (_nodes, _settings) = (nodes, settings);
        Disk = new Disk(initial);
        Start();
    }

    public NodeId Id => _settings.Id;

    public bool IsUp => _node is not null;

    public RaftNode Node => _node ?? throw new InvalidOperationException($"member {Id} is down");

    public Disk Disk { get; }

    /// <summary>A batch on its way to the disk, while <see cref="IsDiskSlow"/>.</summary>
    public PersistBatch? Writing { get; private set; }

    /// <summary>Batches wait for <see cref="FinishWrite"/>.</summary>
    public bool IsDiskSlow { get; set; }

    /// <summary>From the log's first entry on.</summary>
    public List<Entry> Applied { get; private set; } = [];

    public Membership AppliedMembership { get; private set; } = Membership.None;

    public List<ReadState> Reads { get; } = [];

    public RaftRole Role => Node.Role;

    public ulong Commit => Node.Status.HardState.Commit;

    /// <summary>The first bytes of the commands that were applied.</summary>
    public IEnumerable<int> Commands =>
        Applied.Where(static entry => entry.Kind == EntryKind.Command).Select(static entry => (int)entry.Payload.Span[0]);

    private EntryId LastApplied => Applied.Count == 0 ? default : Applied[^1].Id;

    public void Tick() => Do(static node => node.Tick());

    public void Campaign() => Do(static node => node.Campaign());

    public void Receive(Message message)
    {
        Do(node => node.Step(message));
        if (message.Kind == MessageKind.InstallSnapshot
            && _nodes.FetchesSnapshots
            && Node.Leader == message.From
            && message.Term == Node.Term
            && message.Log.Index > Commit)
        {
            Install(_nodes.Snapshots[message.Log]);
        }
    }

    public bool Install(Snapshot snapshot)
    {
        Disk.Save(snapshot);
        bool installed = Node.Restore(snapshot.At, snapshot.Membership);
        if (installed)
        {
            (Applied, AppliedMembership) = ([.. snapshot.State], snapshot.Membership);
        }

        return installed;
    }

    public ProposalOutcome Propose(byte command, int bytes = 1)
    {
        byte[] payload = new byte[bytes];
        payload[0] = command;
        return Node.TryPropose(payload, out _);
    }

    public ProposalOutcome Change(ulong[] voters, params ulong[] learners) =>
        Node.TryChangeMembership([.. voters.Select(Nodes.Id)], [.. learners.Select(Nodes.Id)], default);

    public FollowerStatus Follower(ulong id) => Node.Followers().Single(follower => follower.Id == Nodes.Id(id));

    /// <summary>Writes down what was applied, and forgets the entries in memory.</summary>
    public void Compact()
    {
        TakeSnapshot();
        Node.Compact(keepEntries: 0, keepBytes: 0);
    }

    public Snapshot TakeSnapshot()
    {
        if (Applied.Count > 0 && LastApplied != Disk.Snapshot.At)
        {
            var snapshot = new Snapshot(LastApplied, AppliedMembership, [.. Applied]);
            Disk.Save(snapshot);
            _nodes.Snapshots[snapshot.At] = snapshot;
        }

        return Disk.Snapshot;
    }

    public void FinishWrite()
    {
        if (Writing is { } batch)
        {
            Writing = null;
            Disk.Write(batch);
            _nodes.Safety.Wrote(this, batch);
            Do(node => node.Persisted(batch));
        }
    }

    /// <summary>Does all that the node wants, as often as it wants more.</summary>
    public void Turn()
    {
        for (int turns = 0; IsUp && Node.HasReady; turns++)
        {
            Assert.True(turns < TurnsMax, $"member {Id} is never at rest: {Node.Status}");
            TurnOnce();
        }
    }

    public void TurnOnce()
    {
        Ready ready = Node.TakeReady();
        foreach (Message message in ready.Messages)
        {
            _nodes.Send(this, message);
        }

        Assert.True(Writing is null || ready.Persist is null, "a second batch was given while one is being written");
        Writing ??= ready.Persist;
        foreach (Entry entry in ready.Committed)
        {
            Apply(entry);
        }

        foreach (ReadState read in ready.Reads)
        {
            Assert.True(read.Index <= (ulong)Applied.Count, $"read {read} came before its state");
            Reads.Add(read);
        }

        Node.Advance(ready);
        if (!IsDiskSlow)
        {
            FinishWrite();
        }
    }

    public void Crash() => (_node, Writing) = (null, null);

    /// <summary>Runs again, with what the disk has.</summary>
    public void Start()
    {
        RestoredState restored = Disk.Restore();
        (Applied, AppliedMembership) = ([.. Disk.Snapshot.State], Disk.Snapshot.Membership);
        _node = new RaftNode(_settings with { Seed = _settings.Seed + (1_000 * _starts++) }, restored);
        _nodes.Safety.Started(this);
    }

    private void Do(Action<RaftNode> input)
    {
        (ulong commit, bool led) = (Commit, Role == RaftRole.Leader);
        input(Node);
        Assert.True(Commit >= commit, $"member {Id} takes a commit back: {commit} to {Commit}");
        _nodes.Safety.Looked(this, led);
    }

    private void Apply(in Entry entry)
    {
        Assert.Equal((ulong)Applied.Count + 1, entry.Id.Index);
        _nodes.Safety.Applied(this, entry);
        Applied.Add(entry);
        if (entry.Kind == EntryKind.Membership)
        {
            AppliedMembership = Membership.Decode(entry.Payload);
        }
    }
}
