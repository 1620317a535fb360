namespace Discovery.Raft.Tests;

/// <summary>
/// Members 1, 2, 3… and the wire between them. Nothing happens by itself: a test ticks, delivers, loses, cuts, crashes.
/// Every message, write and applied entry is checked by <see cref="Safety"/>.
/// </summary>
internal sealed class Nodes
{
    private const int RoundsMax = 10_000;

    private readonly SortedDictionary<ulong, Member> _members = [];
    private readonly HashSet<(NodeId From, NodeId To)> _cut = [];
    private readonly RaftSettings _settings;

    /// <summary>Forms a cluster of so many voters.</summary>
    /// <param name="voters">How many: 1, 2, 3…</param>
    /// <param name="settings">Theirs, but for id and seed; else the defaults.</param>
    /// <param name="terms">
    /// The terms of the entries that a member has after the first, when it is to begin in the middle of a story; the last
    /// of them is its term. See <see cref="Remembers"/>.
    /// </param>
    public Nodes(int voters, RaftSettings? settings = null, Func<ulong, ulong[]>? terms = null)
    {
        _settings = settings ?? Settings;
        var membership = new Membership(Enumerable.Range(1, voters).Select(static id => Id((ulong)id)));
        foreach (NodeId id in membership.Voters)
        {
            Add(id.Value, terms is null ? RestoredState.Formed(membership) : Remembers(membership, terms(id.Value)));
        }
    }

    /// <summary>The defaults; a test says what is different.</summary>
    public static RaftSettings Settings => new() { Id = default, Seed = 1 };

    public Safety Safety { get; } = new();

    /// <summary>Sent and not delivered yet, oldest first.</summary>
    public List<Message> Wire { get; } = [];

    /// <summary>All that was ever sent, also what was lost.</summary>
    public List<Message> Sent { get; } = [];

    /// <summary>Messages that are lost as soon as they are sent.</summary>
    public Predicate<Message>? Loses { get; set; }

    public Dictionary<EntryId, Snapshot> Snapshots { get; } = [];

    /// <summary>Whether a follower that is offered a state fetches it at once.</summary>
    public bool FetchesSnapshots { get; set; } = true;

    public IEnumerable<Member> All => _members.Values;

    public IEnumerable<Member> Up => _members.Values.Where(static member => member.IsUp);

    public Member this[ulong id] => _members[id];

    /// <summary>The one that leads in the newest term.</summary>
    public Member? Leader => Up.Where(static member => member.Role == RaftRole.Leader).MaxBy(static member => member.Node.Term);

    public static NodeId Id(ulong id) => new(id);

    /// <summary>
    /// What is left of a life in which entries of these terms were written behind the first one, and only that one is known
    /// to be committed. Two entries of one term and index are the same entry.
    /// </summary>
    public static RestoredState Remembers(Membership membership, params ulong[] terms)
    {
        RestoredState formed = RestoredState.Formed(membership);
        return formed with
        {
            HardState = formed.HardState with { Term = terms.Append(1UL).Max() },
            Entries =
            [
                .. formed.Entries,
                .. terms.Select(static (term, at) => new Entry(
                    new EntryId(term, (ulong)at + 2), EntryKind.Command, new[] { (byte)term, (byte)at })),
            ],
        };
    }

    public static ulong[] Terms(params (ulong Term, int Count)[] runs) =>
        [.. runs.SelectMany(static run => Enumerable.Repeat(run.Term, run.Count))];

    public Member Add(ulong id, RestoredState? initial = null)
    {
        RaftSettings settings = _settings with { Id = Id(id), Seed = (_settings.Seed * 100) + (int)id };
        return _members[id] = new Member(this, settings, initial ?? RestoredState.Fresh);
    }

    public void Send(Member from, in Message message)
    {
        Message sent = message.Kind == MessageKind.InstallSnapshot ? message with { Log = from.TakeSnapshot().At } : message;
        Safety.Sends(from, sent);
        Sent.Add(sent);
        if (!IsCut(sent) && Loses?.Invoke(sent) != true)
        {
            Wire.Add(sent);
        }
    }

    /// <summary>Everybody does what there is to do, without any message being delivered.</summary>
    public void Turn()
    {
        foreach (Member member in Up)
        {
            member.Turn();
        }
    }

    /// <summary>Delivers what is on the wire now and matches, in order; what comes of it stays on the wire.</summary>
    public int Deliver(Predicate<Message>? which = null)
    {
        Turn();
        Message[] due = [.. Wire.Where(message => which is null || which(message))];
        Wire.RemoveAll(message => which is null || which(message));
        foreach (Message message in due)
        {
            Deliver(message);
        }

        Turn();
        return due.Length;
    }

    public void Deliver(in Message message)
    {
        if (!IsCut(message) && _members[message.To.Value] is { IsUp: true } member)
        {
            member.Receive(message);
        }
    }

    /// <summary>Delivers until nothing is under way.</summary>
    public void Run(Predicate<Message>? which = null)
    {
        for (int rounds = 0; Deliver(which) > 0; rounds++)
        {
            Assert.True(rounds < RoundsMax, "the members never come to rest");
        }
    }

    /// <summary>Time passes for all, and everything is delivered.</summary>
    public void Tick(int times = 1)
    {
        for (int i = 0; i < times; i++)
        {
            foreach (Member member in Up)
            {
                member.Tick();
            }

            Run();
        }
    }

    /// <summary>Time passes until it holds.</summary>
    public void TickUntil(Func<bool> holds, int most = 200)
    {
        for (int i = 0; !holds(); i++)
        {
            Assert.True(i < most, $"still not so after {most} ticks:\n{this}");
            Tick();
        }
    }

    /// <summary>The member stands for election and wins.</summary>
    public Member Elect(ulong id)
    {
        this[id].Campaign();
        Run();
        Assert.Equal(RaftRole.Leader, this[id].Role);
        return this[id];
    }

    public void Cut(ulong one, ulong other)
    {
        _cut.Add((Id(one), Id(other)));
        _cut.Add((Id(other), Id(one)));
    }

    /// <summary>Only this direction.</summary>
    public void CutOneWay(ulong from, ulong to) => _cut.Add((Id(from), Id(to)));

    public void Isolate(params ulong[] ids)
    {
        foreach (ulong id in ids)
        {
            foreach (ulong other in _members.Keys.Except(ids))
            {
                Cut(id, other);
            }
        }
    }

    public void Heal() => _cut.Clear();

    public override string ToString() => string.Join('\n', Up.Select(static member =>
        $"{member.Id} {member.Role} of {member.Node.Leader}, {member.Node.Status.HardState}, last {member.Node.Status.Last}, "
        + $"durable {member.Node.Status.Persisted}, applied {member.Node.Status.Applied}, {member.Node.Membership}"));

    private bool IsCut(in Message message) => _cut.Contains((message.From, message.To));
}
