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
    private OpenedData _data = null!;
    private TimeSpan _backgroundBusyUntil;
    private bool _isPreparing;

    private SimulatedMember Member => process.Member;

    private Replica Replica => _data.Replica;

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
        if (!_data.Wal.NeedsSpare || _isPreparing)
        {
            return;
        }

        _isPreparing = true;
        InBackground(() =>
        {
            _isPreparing = false;
            try
            {
                _data.Wal.PrepareSpare();
            }
            catch (IOException)
            {
                // As in production: the log makes the segment itself when it needs one, and ends if it cannot.
                simulation.Tally.Add("spare segments that failed");
            }
        });
    }

    private void Persist(PersistBatch batch)
    {
        simulation.Observer.PersistDue(process, batch);
        simulation.Trace.Add(TraceKind.Persisting, Member.Name, (long)batch.HardState.Term, batch.Entries.Count > 0 ? (long)batch.Entries[^1].Id.Index : 0);
        process.Come(Effect.PersistDue);
        simulation.Events.After(Time(), () => process.Run(() =>
        {
            _data.Wal.Write(batch.HardState, batch.Entries);
            simulation.Observer.Persisted(process, batch);
            process.Come(Effect.Persisted);
            Replica.LogBytes = _data.Wal.BytesWritten;
            Replica.Persisted(batch);
            process.Wake();
        }));
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
            EntryId oldest = _data.Snapshots.Oldest;
            if (saved is not null)
            {
                _data.Wal.DropBefore(oldest.Index);
            }

            Replica.DataBytes = _data.Wal.DiskBytes + _data.Snapshots.DiskBytes;
            Replica.SnapshotSaved(saved);
            process.Wake();
        });
    }

    private void StartInstall(SnapshotReceiver received) => InBackground(() =>
    {
        (KeyspaceState State, SnapshotInfo Info)? installed = null;
        try
        {
            installed = _data.Snapshots.Install(received);
            simulation.Observer.SnapshotDurable(process, received.At);
            simulation.Tally.Add("snapshots installed");
        }
        catch (StoreDataException)
        {
            simulation.Tally.Add("snapshots that could not be installed");
        }

        simulation.Trace.Add(TraceKind.Snapshot, Member.Name, (long)received.At.Index, text: "installed");
        Replica.SnapshotInstalled(received, installed);
        process.Wake();
    });

    private void InBackground(Action work)
    {
        TimeSpan start = _backgroundBusyUntil > simulation.Now ? _backgroundBusyUntil : simulation.Now;
        _backgroundBusyUntil = start + Time();
        simulation.Events.At(_backgroundBusyUntil, () => process.Run(work));
    }

    /// <summary>The time of a sync.</summary>
    private TimeSpan Time() =>
        Member.Chance.Between(TimeSpan.FromMicroseconds(80), TimeSpan.FromMicroseconds(800)) * Member.Disk.Faults.Slowness;
}
