namespace Discovery.Raft.Tests;

/// <summary>
/// One random life of a cluster, from one seed: messages are lost, repeated, late and out of order, links are cut, disks are
/// slow, members crash, come, go and fall behind. <see cref="Safety"/> looks on; at the end all faults stop, and then the
/// members must get on.
/// </summary>
internal sealed class Exploration
{
    private const int Rounds = 200;
    private const int PatienceTicks = 300;

    private readonly Random _random;
    private readonly Nodes _nodes;
    private readonly Dictionary<ulong, ulong> _asked = [];
    private readonly Dictionary<Member, int> _readsSeen = [];
    private readonly bool _changesMembers;
    private readonly (int Chance, Action Happen)[] _mixture;
    private readonly int _disorder;
    private readonly int _repetition;
    private readonly int _loss;
    private ulong _lastContext;
    private ulong _lastId;
    private bool _wasDamaged;

    public Exploration(int seed)
    {
        _random = new Random(seed);
        int voters = 1 + _random.Next(5);
        _lastId = (ulong)voters;

        // A damaged member withholds its vote: that is for clusters that have one to spare, and keep it.
        _changesMembers = voters < 3 || _random.Next(3) > 0;
        _nodes = new Nodes(voters, new RaftSettings
        {
            Id = default,
            Seed = seed,
            ElectionTicks = 4,
            InflightMax = 1 + _random.Next(4),
            MessageBytesMax = 1 + _random.Next(100),
            BatchBytesMax = 1 + _random.Next(100),
        });
        _mixture = Mixture();
        (_disorder, _repetition, _loss) = (Chance(300), Chance(200), Chance(200));
    }

    public void Run()
    {
        RunFaults();
        StopFaults();
        GetOn();
    }

    private void RunFaults()
    {
        for (int i = 0; i < Rounds; i++)
        {
            Round();
            LookAtReads();
        }
    }

    /// <summary>
    /// What may happen in a round, and how often in 1,000. Each life has its own mixture: some faults never come, others in
    /// crowds.
    /// </summary>
    private (int Chance, Action Happen)[] Mixture() =>
    [
        (1_000, Deliver),
        (300 + Chance(700), TickAll),
        (100 + Chance(900), Propose),
        (100 + Chance(900), () => OneUp()?.FinishWrite()),
        (Chance(300), Ask),
        (Chance(50), () => One().IsDiskSlow ^= true),
        (Chance(30), () => Crash(One())),
        (20 + Chance(100), () => Start(One())),
        (Chance(60), Cut),
        (50 + Chance(200), _nodes.Heal),
        (Chance(100), () => OneUp()?.Compact()),
        (Chance(50), () => OneUp()?.Campaign()),
        (Chance(50), () => OneUp()?.Node.TransferLeadership(One().Id)),
        (Chance(50), () => OneUp()?.Node.ReportUnreachable(One().Id)),
        (_changesMembers ? Chance(300) : 0, Change),
    ];

    private int Chance(int most) => _random.Next(5) == 0 ? 0 : 1 + _random.Next(most);

    private void Round()
    {
        foreach ((int chance, Action happen) in _mixture)
        {
            if (_random.Next(1_000) < chance)
            {
                happen();
            }
        }

        if (_random.Next(4) > 0)
        {
            _nodes.Turn();
        }
    }

    private void TickAll()
    {
        foreach (Member member in _nodes.Up)
        {
            if (_random.Next(8) > 0)
            {
                member.Tick();
            }
        }
    }

    private Member One() => _nodes[1 + (ulong)_random.Next((int)_lastId)];

    private Member? OneUp() => One() is { IsUp: true } member ? member : null;

    private void Deliver()
    {
        for (int count = _random.Next(2 * (_nodes.Wire.Count + 1)); count > 0 && _nodes.Wire.Count > 0; count--)
        {
            // Mostly in order, as connections deliver.
            int at = _random.Next(1_000) < _disorder ? _random.Next(_nodes.Wire.Count) : 0;
            Message message = _nodes.Wire[at];
            if (_random.Next(1_000) >= _repetition)
            {
                _nodes.Wire.RemoveAt(at);
            }

            if (_random.Next(1_000) >= _loss)
            {
                _nodes.Deliver(message);
            }

            if (_random.Next(2) == 0)
            {
                _nodes[message.To.Value].Turn();
            }
        }
    }

    /// <summary>Whoever believes to lead, and now and then another.</summary>
    private void Propose()
    {
        foreach (Member member in _nodes.Up)
        {
            if (member.Role == RaftRole.Leader || _random.Next(20) == 0)
            {
                _ = member.Propose((byte)_random.Next(256), 1 + _random.Next(40));
            }
        }
    }

    private void Ask()
    {
        if (OneUp() is { } member && member.Node.TryReadIndex(++_lastContext))
        {
            _asked.Add(_lastContext, _nodes.Safety.Committed);
        }
    }

    /// <summary>A read sees all that was committed before it was asked for.</summary>
    private void LookAtReads()
    {
        foreach (Member member in _nodes.All)
        {
            for (int i = _readsSeen.GetValueOrDefault(member); i < member.Reads.Count; i++)
            {
                ReadState read = member.Reads[i];
                Assert.True(read.Index >= _asked[read.Context], $"{member.Id} reads at {read.Index}, but {_asked[read.Context]} was committed before");
            }

            _readsSeen[member] = member.Reads.Count;
        }
    }

    private void Crash(Member member)
    {
        if (!member.IsUp)
        {
            return;
        }

        if (member.Writing is { } batch && _random.Next(2) == 0)
        {
            // It got to the disk, and nobody heard of it.
            member.Disk.Write(batch);
            _nodes.Safety.Wrote(member, batch);
        }

        member.Crash();
        if (!_changesMembers && !_wasDamaged && _random.Next(4) == 0)
        {
            _wasDamaged = true;
            member.Disk.Damage(_random.Next(10));
        }
    }

    private static void Start(Member member)
    {
        if (!member.IsUp)
        {
            member.Start();
        }
    }

    private void Cut()
    {
        if (_random.Next(2) == 0)
        {
            _nodes.CutOneWay(One().Id.Value, One().Id.Value);
        }
        else
        {
            _nodes.Isolate([.. _nodes.All.Where(_ => _random.Next(2) == 0).Select(static member => member.Id.Value)]);
        }
    }

    /// <summary>Any set of voters and learners that is not empty; ids that are gone stay gone.</summary>
    private void Change()
    {
        Member[] leaders = [.. _nodes.Up.Where(static member => member.Role == RaftRole.Leader)];
        if (leaders.Length == 0)
        {
            return;
        }

        Member leader = leaders[_random.Next(leaders.Length)];

        List<ulong> ids = [.. leader.Node.Membership.All.Select(static id => id.Value)];
        if (_lastId < 7 && _random.Next(2) == 0)
        {
            ids.Add(_lastId + 1);
        }

        List<ulong> voters = [];
        List<ulong> learners = [];
        foreach (ulong id in ids)
        {
            (_random.Next(8) switch { 0 => null, 1 or 2 => learners, _ => voters })?.Add(id);
        }

        if (voters.Count > 0 && leader.Change([.. voters], [.. learners]) == ProposalOutcome.Accepted
            && (voters.Contains(_lastId + 1) || learners.Contains(_lastId + 1)))
        {
            _nodes.Add(++_lastId);
        }
    }

    private void StopFaults()
    {
        _nodes.Heal();
        foreach (Member member in _nodes.All)
        {
            Start(member);
            member.IsDiskSlow = false;
            member.FinishWrite();
        }
    }

    private void GetOn()
    {
        const byte Last = 255;
        bool proposed = false;
        _nodes.TickUntil(
            () =>
            {
                LookAtReads();
                if (_nodes.Leader is not { } leader)
                {
                    return false;
                }

                if (!proposed && leader.Applied.Count > 0 && leader.Applied[^1].Id.Term == leader.Node.Term && !leader.Node.Membership.IsJoint)
                {
                    proposed = leader.Propose(Last) == ProposalOutcome.Accepted;
                }

                return proposed && leader.Node.Membership.All.All(id => HasAll(_nodes[id.Value], leader));
            },
            PatienceTicks);
    }

    private static bool HasAll(Member member, Member leader) =>
        member.Applied.Count == leader.Applied.Count
        && leader.Applied[^1].Id == leader.Node.Status.Last
        && member.Node.Leader == leader.Id
        && member.Node.Membership.Equals(leader.Node.Membership)
        && !member.Node.Status.HardState.IsRecovering;

    public override string ToString() => _nodes.ToString();
}
