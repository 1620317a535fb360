using Discovery.Simulator.Disk;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;
using Discovery.Store;
using Discovery.Store.Api;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using Discovery.Store.Watch;
using Discovery.EtcdApi;
using Discovery.Raft;

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
    private List<Request> _inbox = [];
    private List<Request> _taken = [];
    private OpenedData? _data;
    private Effect _crashEffect;
    private int _untilCrash;
    private TimeSpan _lastTick;
    private bool _isWoken;
    private bool _isPreparing;

    public MemberProcess(SimulatedCluster cluster, SimulatedMember member, long life)
    {
        _cluster = cluster;
        _simulation = cluster.Simulation;
        _member = member;
        Life = life;
        _context = new Continuations(_simulation.Continuations) { Failed = Fail };
    }

    /// <summary>Counts the lives of the member.</summary>
    public long Life { get; }

    public SimulatedMember Member => _member;

    public StoreOptions Options => _member.Options;

    public Replica Replica => _data!.Replica;

    public WatchHub Hub { get; private set; } = null!;

    public ResponseHeaders Headers { get; private set; } = null!;

    public WatchSettings WatchSettings { get; private set; } = null!;

    /// <summary>What clients ask.</summary>
    public MemberServer Server { get; private set; } = null!;

    /// <summary>Whether it has read its data and serves.</summary>
    public bool IsServing { get; private set; }

    public bool IsEnded => _context.IsEnded;

    /// <summary>Reads the data and starts to serve, some time from now.</summary>
    public void Open() => _simulation.Events.After(
        _member.Chance.Between(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(100)), () => Run(OpenNow));

    /// <summary>The last entry that it applied.</summary>
    public ulong AppliedIndex => IsServing ? Replica.View.AppliedIndex : 0;

    /// <summary>Has the process die at the n-th time that it comes to the effect; 0 for not at all.</summary>
    public void CrashAt(Effect effect, int count) => (_crashEffect, _untilCrash) = (effect, count);

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

    /// <summary>Has somebody told when the process ends; the answer stops that.</summary>
    public Action WhenEnded(Action told)
    {
        _connections.Add(told);
        return () => _connections.Remove(told);
    }

    public void Pause()
    {
        _context.Pause();
    }

    public void Resume()
    {
        _context.Resume();
    }

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

    private void OpenNow()
    {
        int faults = _member.Disk.Faults.Met;
        try
        {
            _data = OpenedData.Open(_member.Options, _member.Disk, damage => _simulation.Tally.Add("damaged snapshot passed over"));
        }
        catch (StoreDataException e) when (!_member.IsDamaged && _member.Disk.Faults.Met == faults)
        {
            throw new ViolationException($"{_member.Name} refuses data that nothing has damaged: {e.Message}", e);
        }

        Replica replica = _data.Replica;
        replica.SnapshotDue = StartSnapshot;
        replica.Campaign();
        replica.Turn(_member.Clock.Elapsed);
        replica.SnapshotBytes = _data.Snapshots.DiskBytes;
        _simulation.Trace.Add(TraceKind.Opened, _member.Name, replica.View.Revision, (long)replica.View.AppliedIndex, text: _data.Repaired is null ? null : "repaired");
        _simulation.Tally.Add(_data.Repaired is null ? "opened" : "opened with a torn tail");
        Hub = new WatchHub(() => replica.View);
        Headers = new ResponseHeaders(() => replica.View, () => replica.Status);
        replica.ViewChanged = view =>
        {
            _simulation.Trace.Add(TraceKind.Applied, _member.Name, (long)view.AppliedIndex, view.Revision);
            Come(Effect.ViewChanged);
            Hub.OnViewChanged(view);
        };
        WatchSettings = new WatchSettings(_member.Clock, _member.Options.WatchProgressNotifyInterval, _member.Options.MaxRequestBytes);
        Server = new MemberServer(this);
        _lastTick = _member.Clock.Elapsed;
        IsServing = true;
        ScheduleTick();
    }

    private void ScheduleTick() => _simulation.Events.After(_member.Clock.Lasts(_member.Options.HeartbeatInterval), () =>
    {
        if (!IsEnded)
        {
            ScheduleTick();
            Wake();
        }
    });

    private void Wake()
    {
        if (!_isWoken)
        {
            _isWoken = true;
            _simulation.Events.After(_member.Chance.Between(TimeSpan.FromMicroseconds(10), TimeSpan.FromMicroseconds(150)), () => Run(Turn));
        }
    }

    /// <summary>One turn of the loop.</summary>
    private void Turn()
    {
        _isWoken = false;
        TimeSpan now = _member.Clock.Elapsed;
        (_taken, _inbox) = (_inbox, _taken);
        foreach (Request request in _taken)
        {
            Replica.Enter(request, now);
        }

        _taken.Clear();
        int behind = (int)((now - _lastTick) / _member.Options.HeartbeatInterval);
        if (behind > 0)
        {
            _lastTick = now;
            for (int i = Math.Min(behind, Limits.TicksBehindMax); i > 0; i--)
            {
                Replica.Tick(now);
            }
        }

        Replica.Turn(now);
        Come(Effect.TurnEnded);
        PrepareSpare();
        if (Replica.HasWork)
        {
            Wake();
        }
    }

    private void StartSnapshot(KeyspaceView view, EntryId at) => _simulation.Events.After(DiskTime(), () => Run(() =>
    {
        SnapshotInfo? saved = null;
        try
        {
            saved = _data!.Snapshots.Save(view, at);
            _simulation.Tally.Add("snapshots saved");
        }
        catch (Exception e) when (e is IOException or StoreDataException)
        {
            _simulation.Tally.Add("snapshots that failed");
        }

        _simulation.Trace.Add(TraceKind.Snapshot, _member.Name, (long)at.Index, saved?.Bytes ?? 0);
        EntryId oldest = _data!.Snapshots.Oldest;
        Replica.SnapshotBytes = _data.Snapshots.DiskBytes;
        Replica.SnapshotSaved(saved, oldest);
    }));

    private void PrepareSpare()
    {
        if (!_data!.Wal.NeedsSpare || _isPreparing)
        {
            return;
        }

        _isPreparing = true;
        _simulation.Events.After(DiskTime(), () => Run(() =>
        {
            _isPreparing = false;
            try
            {
                _data.Wal.PrepareSpare();
            }
            catch (IOException)
            {
                // As in production: the loop makes the segment itself when it needs one, and ends if it cannot.
                _simulation.Tally.Add("spare segments that failed");
            }
        }));
    }

    private TimeSpan DiskTime() =>
        _member.Chance.Between(TimeSpan.FromMicroseconds(80), TimeSpan.FromMilliseconds(2)) * _member.Disk.Faults.Slowness;

    private void Come(Effect effect)
    {
        if (_untilCrash > 0 && effect == _crashEffect && --_untilCrash == 0)
        {
            throw new SimulatedCrashException(effect.ToString());
        }
    }

    private void Fail(Exception e)
    {
        switch (e)
        {
            case SimulatedCrashException:
                _member.Kill(_member.Chance.Happens(0.5), e.Message);
                break;
            case DiskFaultException or StoreDataException:
                _member.Failed(e.Message);
                break;
            case ViolationException:
                throw e;
            default:
                throw new ViolationException($"{_member.Name} ended by what no fault explains: {e.Message}", e);
        }
    }
}
