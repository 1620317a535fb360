using Discovery.EtcdApi;
using Discovery.Raft;
using Discovery.Simulator.Disk;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;
using Discovery.Store;
using Discovery.Store.Api;
using Discovery.Store.Consensus;
using Discovery.Store.Watch;

namespace Discovery.Simulator.Cluster;

/// <summary>
/// One life of a member: what <c>RaftHost</c> and <c>StoreServer</c> are in production, with simulated time in place of
/// threads. Everything that decides is the shipped code.
/// </summary>
internal sealed class MemberProcess
{
    private readonly SimulatedCluster _cluster;
    private readonly Simulation _simulation;
    private readonly SimulatedMember _member;
    private readonly Continuations _context;
    private readonly List<Action> _connections = [];
    private readonly MemberDisk _disk;
    private List<Request> _inbox = [];
    private List<Request> _taken = [];
    private OpenedData? _data;
    private readonly TimeSpan _started;
    private bool _isWoken;
    private Effect _crashEffect;
    private int _untilCrash;

    public MemberProcess(SimulatedCluster cluster, SimulatedMember member, long life)
    {
        _cluster = cluster;
        _simulation = cluster.Simulation;
        _member = member;
        Life = life;
        _started = member.Clock.Elapsed;
        _context = new Continuations(_simulation.Continuations) { Failed = Fail };
        _disk = new MemberDisk(_simulation, this);
    }

    /// <summary>Counts the lives of the member.</summary>
    public long Life { get; }

    public SimulatedMember Member => _member;

    public StoreOptions Options => _member.Options;

    /// <summary>Who this is, as its data says.</summary>
    public NodeId Id { get; private set; }

    public Replica Replica => _data!.Replica;

    public WatchHub Hub { get; private set; } = null!;

    public ResponseHeaders Headers { get; private set; } = null!;

    public WatchSettings WatchSettings { get; private set; } = null!;

    /// <summary>What clients ask.</summary>
    public MemberServer Server { get; private set; } = null!;

    /// <summary>Whether it has read its data and serves.</summary>
    public bool IsServing { get; private set; }

    /// <summary>Time since the process began, by its own clock: all that the replica is told of time.</summary>
    private TimeSpan Now => _member.Clock.Elapsed - _started;

    public bool IsEnded => _context.IsEnded;

    /// <summary>The last entry that it applied.</summary>
    public ulong AppliedIndex => IsServing ? Replica.View.AppliedIndex : 0;

    /// <summary>Whether commands that grow the keyspace are refused.</summary>
    public bool IsDiskFull => _data?.Wal is { IsDiskFull: true };

    /// <summary>Reads the data and starts to serve, some time from now.</summary>
    public void Open() => _simulation.Events.After(
        _member.Chance.Between(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(100)), () => Run(OpenNow));

    /// <summary>Has the process die at the n-th time that it comes to the effect; 0 for not at all.</summary>
    public void CrashAt(Effect effect, int count) => (_crashEffect, _untilCrash) = (effect, count);

    /// <summary>The process comes to an effect, and perhaps no further.</summary>
    public void Come(Effect effect)
    {
        if (_untilCrash > 0 && effect == _crashEffect && --_untilCrash == 0)
        {
            throw new SimulatedCrashException(effect.ToString());
        }
    }

    /// <summary>Runs a part of the process; what it cannot go on from ends it, as it does in production.</summary>
    public void Run(Action action) => _context.Run(action);

    /// <summary>Takes up a request; it is answered by a later turn.</summary>
    public void Enter(Request request)
    {
        if (_inbox.Count >= Limits.InboxLength)
        {
            request.Fail(EtcdError.TooManyRequests);
            return;
        }

        _inbox.Add(request);
        Wake();
    }

    /// <summary>A message of another member has come.</summary>
    public void Receive(PeerMessage message)
    {
        if (!IsServing)
        {
            return;
        }

        Replica.Receive(message, Now);
        _simulation.Observer.Observe(this);
        Wake();
    }

    /// <summary>The connection to another member is broken.</summary>
    public void ReportUnreachable(NodeId id)
    {
        if (IsServing)
        {
            Replica.ReportUnreachable(id);
            Wake();
        }
    }

    /// <summary>Has somebody told when the process ends; the answer stops that.</summary>
    public Action WhenEnded(Action told)
    {
        _connections.Add(told);
        return () => _connections.Remove(told);
    }

    public void Pause() => _context.Pause();

    public void Resume() => _context.Resume();

    /// <summary>From now on whatever awaits something goes on so much later, at most.</summary>
    public void Starve(TimeSpan max) =>
        _context.Delayed = max > TimeSpan.Zero ? go => _simulation.Events.After(_member.Chance.Between(TimeSpan.Zero, max), go) : null;

    /// <summary>Nothing of it happens any more; who was connected learns it.</summary>
    public void End()
    {
        IsServing = false;
        _context.End();
        foreach (Action told in _connections)
        {
            told();
        }

        _connections.Clear();
    }

    /// <summary>Has a turn happen soon.</summary>
    public void Wake()
    {
        if (!_isWoken)
        {
            _isWoken = true;
            _simulation.Events.After(_member.Chance.Between(TimeSpan.FromMicroseconds(10), TimeSpan.FromMicroseconds(150)), () => Run(Turn));
        }
    }

    private void OpenNow()
    {
        _data = Read();
        Id = new NodeId(_data.Wal!.Identity.MemberId);
        _member.ClusterId = _data.Wal!.Identity.ClusterId;
        Replica replica = _data.Replica;
        _disk.Attach(_data);
        _simulation.Trace.Add(
            TraceKind.Opened,
            _member.Name,
            replica.View.Revision,
            (long)replica.View.AppliedIndex,
            (long)replica.Status.Term,
            _data.Damage?.ToString() ?? _data.Repaired);
        _simulation.Tally.Add(_data.Damage is not null ? "opened with damage" : _data.Repaired is not null ? "opened with a torn tail" : "opened");
        _simulation.Observer.Started(this, _data);
        _simulation.Observer.Published(this, replica.View);
        Hub = new WatchHub(() => replica.View);
        Headers = new ResponseHeaders(() => replica.View, () => replica.Status);
        replica.Send = Send;
        replica.ViewChanged = view =>
        {
            _simulation.Trace.Add(TraceKind.Applied, _member.Name, (long)view.AppliedIndex, view.Revision);
            _simulation.Observer.Observe(this);
            _simulation.Observer.Published(this, view);
            Come(Effect.ViewChanged);
            Hub.OnViewChanged(view);
        };
        WatchSettings = new WatchSettings(_member.Clock, Options.WatchProgressNotifyInterval, Options.MaxRequestBytes);
        Server = new MemberServer(this);
        IsServing = true;
        replica.Start(Now);
        Turn();
        ScheduleTick();
    }

    private OpenedData Read()
    {
        int faults = _member.Disk.Faults.Met;
        try
        {
            return OpenedData.Open(
                Options, _member.Disk, _member.Chance.Next(), _member.Joins, damage => _simulation.Tally.Add("damaged snapshot passed over"));
        }
        catch (StoreDataException e) when (!e.NeedsNewerProgram && _member.Disk.Faults.Met == faults)
        {
            if (!_member.IsDamaged)
            {
                _simulation.Position.Fail("start", $"{_member.Name} refuses data that nothing has damaged: {e.Message}");
            }

            _member.IsLost = true;
            _simulation.Tally.Add("disks beyond repair");
            throw;
        }
    }

    private void ScheduleTick() => _simulation.Events.After(_member.Clock.Lasts(Options.TickInterval), () =>
    {
        if (!IsEnded)
        {
            ScheduleTick();
            Wake();
        }
    });

    /// <summary>One turn of the loop.</summary>
    private void Turn()
    {
        _isWoken = false;
        TimeSpan now = Now;
        (_taken, _inbox) = (_inbox, _taken);
        foreach (Request request in _taken)
        {
            Replica.Enter(request, now);
        }

        _taken.Clear();
        Replica.Tick(now);
        Replica.Turn(now);
        if (Replica.View.Members.Removed.Contains(Id.Value))
        {
            // As in production: who was removed ends.
            _member.IsRemoved = true;
            _member.Failed("removed");
            return;
        }

        _simulation.Observer.Observe(this);
        Come(Effect.TurnEnded);
        _disk.PrepareSpare();
        if (Replica.HasWork)
        {
            Wake();
        }
    }

    private void Send(PeerMessage message)
    {
        Come(Effect.BeforeSend);
        _simulation.Observer.Sent(message);
        _cluster.Send(_member, message);
        Come(Effect.AfterSend);
    }

    private void Fail(Exception e)
    {
        switch (e)
        {
            case SimulatedCrashException:
                _member.Kill(_member.Chance.Happens(0.5), e.Message);
                break;
            case StoreDataException { NeedsNewerProgram: true } when !_member.Version.IsTooOld():
                // It was never new: nobody had its word.
                _simulation.Stop("versions", e);
                break;
            case DiskFaultException or StoreDataException:
                _member.Failed(e.Message);
                break;
            default:
                _simulation.Stop($"{_member.Name} ends by what no fault explains", e);
                break;
        }
    }
}
