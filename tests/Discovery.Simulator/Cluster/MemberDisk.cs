using Discovery.Raft;
using Discovery.Simulator.Report;
using Discovery.Store;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;

namespace Discovery.Simulator.Cluster;

/// <summary>
/// What a process does with its files beside the loop, one thing after the other, each taking its time: the log's
/// writes by one thread, snapshots and spare segments by another, as in production.
/// </summary>
internal sealed class MemberDisk(Simulation simulation, MemberProcess process)
{
    /// <summary>How often the disk is as fast as the loop expects of a fast one.</summary>
    private const double WrittenAtOnce = 0.2;

    private OpenedData _data = null!;
    private TimeSpan _logBusyUntil;
    private TimeSpan _backgroundBusyUntil;
    private TimeSpan _nextSpare;
    private bool _isPreparing;
    private bool _isKnownToBeFull;

    private SimulatedMember Member => process.Member;

    private Replica Replica => _data.Replica;

    private Wal Wal => _data.Wal!;

    /// <summary>From now on this is what the replica asks for.</summary>
    public void Attach(OpenedData data)
    {
        _data = data;
        Replica.PersistDue = Persist;
        Replica.SnapshotDue = StartSnapshot;
        Replica.InstallDue = StartInstall;
    }

    /// <summary>Has the next log segment made ready, if that is not done.</summary>
    public void PrepareSpare()
    {
        if (!Wal.NeedsSpare || _isPreparing || simulation.Now < _nextSpare)
        {
            return;
        }

        _isPreparing = true;
        InBackground(() =>
        {
            _isPreparing = false;
            _nextSpare = Wal.IsDiskFull ? simulation.Now + Limits.DiskFullPause : simulation.Now;
            try
            {
                Wal.PrepareSpare();
                _isKnownToBeFull = false;
            }
            catch (IOException)
            {
                simulation.Tally.Add("spare segments that failed");
                if (!_isKnownToBeFull)
                {
                    _isKnownToBeFull = true;

                    // As in production: should it lead, it hands over while there is still room to.
                    process.Enter(new Handover(Handover.ToBest));
                }
            }
        });
    }

    private void Persist(PersistBatch batch)
    {
        simulation.Observer.PersistDue(process, batch);
        simulation.Trace.Add(TraceKind.Persisting, Member.Name, (long)batch.HardState.Term, batch.Entries.Count > 0 ? (long)batch.Entries[^1].Id.Index : 0);
        process.Come(Effect.PersistDue);
        if (_logBusyUntil <= simulation.Now && (Replica.IsAlone || Member.Chance.Happens(WrittenAtOnce)))
        {
            // As in production: the loop waits for a fast disk itself.
            Write(batch);
        }
        else
        {
            OnLog(() => Write(batch));
        }
    }

    private void Write(PersistBatch batch)
    {
        Wal.Write(batch);
        simulation.Observer.Persisted(process, batch);
        process.Come(Effect.Persisted);
        Replica.LogBytes = Wal.BytesWritten;
        Replica.Persisted(batch);
        process.Wake();
    }

    private void StartSnapshot(KeyspaceView view, EntryId at)
    {
        process.Come(Effect.SnapshotDue);
        InBackground(() =>
        {
            SnapshotInfo? saved = null;
            try
            {
                saved = _data.Snapshots.Save(view, at);
                simulation.Tally.Add("snapshots saved");
            }
            catch (Exception e) when (e is IOException or StoreDataException)
            {
                simulation.Tally.Add("snapshots that failed");
            }

            simulation.Trace.Add(TraceKind.Snapshot, Member.Name, (long)at.Index, saved?.Bytes ?? 0);
            if (saved is not null)
            {
                simulation.Observer.SnapshotDurable(process, at);
            }

            process.Come(Effect.SnapshotSaved);
            OnLog(() => Forget(saved));
        });
    }

    private void Forget(SnapshotInfo? saved)
    {
        if (saved is not null)
        {
            try
            {
                Wal.DropBefore(_data.Snapshots.Oldest.Index);
            }
            catch (IOException)
            {
                simulation.Tally.Add("old segments that stayed");
            }
        }

        Replica.DataBytes = Wal.DiskBytes + _data.Snapshots.DiskBytes;
        Replica.SnapshotSaved(saved);
        process.Wake();
    }

    private void StartInstall(SnapshotReceiver received) => InBackground(() =>
    {
        (KeyspaceState State, SnapshotInfo Info)? installed = null;
        string outcome = "installed";
        try
        {
            installed = _data.Snapshots.Install(received);
            simulation.Observer.SnapshotDurable(process, received.At);
            simulation.Tally.Add("snapshots installed");
        }
        catch (Exception e) when (e is IOException or StoreDataException)
        {
            simulation.Tally.Add("snapshots that could not be installed");
            outcome = e.Message;
        }

        simulation.Trace.Add(TraceKind.Snapshot, Member.Name, (long)received.At.Index, text: outcome);
        Replica.SnapshotInstalled(received, installed);
        process.Wake();
    });

    private void OnLog(Action work) => Queue(ref _logBusyUntil, work);

    private void InBackground(Action work) => Queue(ref _backgroundBusyUntil, work);

    private void Queue(ref TimeSpan busyUntil, Action work)
    {
        TimeSpan start = busyUntil > simulation.Now ? busyUntil : simulation.Now;
        busyUntil = start + Time();
        simulation.Events.At(busyUntil, () => process.Run(work));
    }

    /// <summary>The time of a sync.</summary>
    private TimeSpan Time() =>
        Member.Chance.Between(TimeSpan.FromMicroseconds(80), TimeSpan.FromMicroseconds(800)) * Member.Disk.Faults.Slowness;
}
