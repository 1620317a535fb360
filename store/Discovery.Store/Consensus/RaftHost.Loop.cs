using Discovery.EtcdApi;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using Microsoft.Extensions.Logging;

namespace Discovery.Store.Consensus;

/// <summary>The loop itself, and what runs beside it: the log's writes, snapshots, the next segment.</summary>
public sealed partial class RaftHost
{
    /// <summary>Connects a replica, new or restarted, to this host.</summary>
    private void Serve(OpenedData data)
    {
        Replica replica = data.Replica;
        replica.Send = message => _network?.Send(message);
        replica.PersistDue = batch => Persist(data, batch);
        replica.SnapshotDue = StartSnapshot;
        replica.InstallDue = StartInstall;
        replica.ViewChanged = view => ViewChanged?.Invoke(view);
        _data = data;
        HoldBack(data);
        if (data.Repaired is not null)
        {
            LogTornTail(_log, data.Repaired);
        }

        if (data.Damage is { } damage)
        {
            LogDamaged(_log, damage.ToString());
        }
    }

    private void Start()
    {
        // In the caller's thread: whoever opens the store wants it ready, or an exception.
        Replica.Start(Now);
        FollowCluster();
        LogOpened(_log, _disk.Root, View.Revision, View.AppliedIndex, Status.Term, Now.TotalMilliseconds);
        _thread.Start();
    }

    private void Run()
    {
        try
        {
            var batch = new InboxBatch();
            do
            {
                _inbox.Drain(batch, Replica.HasWork || !_done.IsEmpty ? TimeSpan.Zero : Replica.UntilTick(Now));
                Turn(batch);
            }
            while (!_inbox.IsClosed || batch.Requests.Count > 0 || Replica.HasWork);

            Replica.FailAll(EtcdError.Stopped);
            _completion.TrySetResult();
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Turn(InboxBatch batch)
    {
        TimeSpan now = Now;
        Replica replica = Replica;
        foreach (PeerMessage message in batch.Messages)
        {
            replica.Receive(message, now);
        }

        foreach (Request request in batch.Requests)
        {
            replica.Enter(request, now);
        }

        while (_done.TryDequeue(out Action? done))
        {
            done();
        }

        // It may be another one now (Become): the one before must do nothing more.
        replica = Replica;
        if (replica.Tick(now))
        {
            TakePartWhenAllowed();
        }

        replica.Turn(now);
        FollowCluster();
        if (_data.Wal is { NeedsSpare: true } wal && _background.IsCompleted && now >= _nextSpare)
        {
            // Where there was no room a moment ago there is none now.
            _nextSpare = wal.IsDiskFull ? now + Limits.DiskFullPause : now;
            _background = Task.Run(() => PrepareSpare(wal));
        }
    }

    /// <summary>
    /// Something that cannot be gone on from, such as a failed fsync: those who wait learn that nobody knows what became
    /// of their request, which is the truth, and the program ends.
    /// </summary>
    private void Fail(Exception e)
    {
        if (e is not MemberExpelledException)
        {
            // That one is no fault of the store; whoever runs it says it.
            // Where in the program a disk refused to write is of no use to whoever reads this.
            LogFailed(_log, e.Message, e is IOException or StoreDataException ? null : e);
        }

        _completion.TrySetException(e);
        _inbox.Close();
        Replica.FailAll(EtcdError.Stopped);
        var left = new InboxBatch();
        _inbox.Drain(left, TimeSpan.Zero);
        foreach (Request request in left.Requests)
        {
            request.Fail(EtcdError.Stopped);
        }
    }

    /// <summary>
    /// A disk that is fast is waited for here: the way to another thread and back costs as much as the disk, and what the
    /// others answer takes longer. One that was slow last time gets its own thread, and heartbeats go on. A member alone
    /// has nothing else to do.
    /// </summary>
    private void Persist(OpenedData data, PersistBatch batch)
    {
        Wal wal = data.Wal!;
        if (_logThread.IsIdle && (data.Replica.IsAlone || _lastWrite <= Limits.InlineWriteMax))
        {
            _lastWrite = Write(wal, batch);
            Persisted(data.Replica, batch, wal.BytesWritten);
            return;
        }

        _logThread.Run(() =>
        {
            try
            {
                TimeSpan took = Write(wal, batch);
                long written = wal.BytesWritten;
                Done(() =>
                {
                    _lastWrite = took;
                    Persisted(data.Replica, batch, written);
                });
            }
            catch (Exception e)
            {
                Done(() => throw new StoreDataException($"the log cannot be written: {e.Message}", e));
            }
        });
    }

    private TimeSpan Write(Wal wal, PersistBatch batch)
    {
        long started = _time.GetTimestamp();

        // Before it is acknowledged: what is decided with a member's help is known to be.
        _published.Note(batch.Entries);
        wal.Write(batch);
        return _time.GetElapsedTime(started);
    }

    private static void Persisted(Replica replica, PersistBatch batch, long logBytes)
    {
        replica.LogBytes = logBytes;
        replica.Persisted(batch);
    }

    private void StartSnapshot(KeyspaceView view, EntryId at) => Beside(() => SaveSnapshot(view, at));

    private void StartInstall(SnapshotReceiver received) => Beside(() => Install(received));

    /// <summary>One after the other, on the thread pool.</summary>
    private void Beside(Action work)
    {
        Task before = _background;
        _background = Task.Run(async () =>
        {
            await before;
            work();
        });
    }

    /// <summary>From a view that nobody changes: writes go on meanwhile.</summary>
    private void SaveSnapshot(KeyspaceView view, EntryId at)
    {
        OpenedData data = _data;
        SnapshotInfo? saved = null;
        long started = _time.GetTimestamp();
        try
        {
            saved = data.Snapshots.Save(view, at);
            LogSnapshot(_log, at.Index, view.Revision, saved.Value.Bytes, _time.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreDataException)
        {
            // Not fatal: the log still has everything. It only grows until a snapshot succeeds.
            LogSnapshotFailed(_log, e.Message, e);
        }

        // The log belongs to whoever writes it.
        _logThread.Run(() =>
        {
            if (saved is not null)
            {
                DropBefore(data, data.Snapshots.Oldest.Index);
            }

            long bytes = data.Wal!.DiskBytes + data.Snapshots.DiskBytes;
            Done(() =>
            {
                data.Replica.DataBytes = bytes;
                data.Replica.SnapshotSaved(saved);
            });
        });
    }

    private void DropBefore(OpenedData data, ulong index)
    {
        try
        {
            data.Wal!.DropBefore(index);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogSnapshotFailed(_log, e.Message, e);
        }
    }

    private void Install(SnapshotReceiver received)
    {
        OpenedData data = _data;
        (KeyspaceState State, SnapshotInfo Info)? installed = null;
        long started = _time.GetTimestamp();
        try
        {
            installed = data.Snapshots.Install(received);
            LogInstalled(_log, received.At.Index, installed.Value.State.Revision, received.TotalBytes, _time.GetElapsedTime(started).TotalMilliseconds);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreDataException)
        {
            LogInstallFailed(_log, e.Message);
        }

        Done(() => data.Replica.SnapshotInstalled(received, installed));
    }

    private void PrepareSpare(Wal wal)
    {
        try
        {
            wal.PrepareSpare();
            if (_hasSaidDiskFull)
            {
                _hasSaidDiskFull = false;
                LogDiskHasRoom(_log);
            }
        }
        catch (IOException e)
        {
            // Said once; what is left of the last segment is the reserve until there is room.
            if (!_hasSaidDiskFull)
            {
                _hasSaidDiskFull = true;
                LogDiskFull(_log, e.Message);

                // Should it lead: while there is still room to hand over.
                Enter(new Handover(Handover.ToBest));
            }
        }
    }

    /// <summary>Something beside the loop is done; the loop takes note of it.</summary>
    private void Done(Action note)
    {
        _done.Enqueue(note);
        _inbox.Nudge();
    }

    [LoggerMessage(1021, LogLevel.Information, "Store opened at {DataDir}: revision {Revision}, applied index {Index}, term {Term}, in {Milliseconds:0} ms.")]
    private static partial void LogOpened(ILogger logger, string dataDir, long revision, ulong index, ulong term, double milliseconds);

    [LoggerMessage(1022, LogLevel.Warning, "The log was repaired; nothing that was promised is missing: {What}.")]
    private static partial void LogTornTail(ILogger logger, string what);

    [LoggerMessage(1023, LogLevel.Error, "A snapshot cannot be used, the one before it is tried: {What}.")]
    private static partial void LogSnapshotDamaged(ILogger logger, string what);

    [LoggerMessage(1024, LogLevel.Information, "Snapshot at index {Index}, revision {Revision}: {Bytes} bytes in {Milliseconds:0} ms.")]
    private static partial void LogSnapshot(ILogger logger, ulong index, long revision, long bytes, double milliseconds);

    [LoggerMessage(1025, LogLevel.Error, "A snapshot could not be written; the log grows until one is. {What}")]
    private static partial void LogSnapshotFailed(ILogger logger, string what, Exception e);

    [LoggerMessage(1026, LogLevel.Error, "The next log segment could not be prepared; writes that need room are refused until it can: {What}")]
    private static partial void LogDiskFull(ILogger logger, string what);

    [LoggerMessage(1034, LogLevel.Information, "There is room for the log again; writes are taken.")]
    private static partial void LogDiskHasRoom(ILogger logger);

    [LoggerMessage(1028, LogLevel.Information, "A snapshot of another member is taken over: index {Index}, revision {Revision}, {Bytes} bytes, checked and read in {Milliseconds:0} ms.")]
    private static partial void LogInstalled(ILogger logger, ulong index, long revision, long bytes, double milliseconds);

    [LoggerMessage(1029, LogLevel.Error, "A snapshot of another member cannot be used; it is fetched again. {What}")]
    private static partial void LogInstallFailed(ILogger logger, string what);

    [LoggerMessage(1027, LogLevel.Critical, "The store cannot go on: {What}. The process must end; what was acknowledged is on the disk.")]
    private static partial void LogFailed(ILogger logger, string what, Exception? e);

    [LoggerMessage(1030, LogLevel.Error, "The disk has lost a part of the log; until the other members have given it back this one does not vote. The files are kept as .damaged. {What}")]
    private static partial void LogDamaged(ILogger logger, string what);
}
