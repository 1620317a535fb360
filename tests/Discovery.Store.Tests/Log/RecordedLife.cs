using Discovery.Raft;
using Discovery.Store.Keyspace;
using Discovery.Store.Log;
using static Discovery.Store.Tests.Log.WalSample;

namespace Discovery.Store.Tests.Log;

/// <summary>
/// A member's log and snapshots over some time, by chance but as Raft would have it; and at each operation of its disk
/// what the member had been told to be durable, and what was under way.
/// </summary>
internal sealed class RecordedLife
{
    private readonly Random _random;
    private readonly SnapshotFiles _snapshots;
    private readonly SnapshotFiles _peer = new(new MemoryDisk(), new WalIdentity(Identity.ClusterId, 33));
    private readonly Wal _wal;
    private readonly List<(int Step, Memory State)> _told = [];
    private readonly List<(int Step, EntryId At)> _saved = [];
    private Memory _memory;

    public RecordedLife(Random random, int segmentBytes)
    {
        _random = random;
        Disk = new TracedDisk(new MemoryDisk());
        _snapshots = new SnapshotFiles(Disk, Identity);
        _memory = new Memory(new HardState(1, null, 0), default, []);
        _wal = Wal.Create(Disk, Identity, new PersistBatch { HardState = _memory.HardState, Entries = [] }, segmentBytes);
        Born = Disk.Steps.Count;
        _told.Add((0, _memory));
        _saved.Add((0, default));
    }

    public TracedDisk Disk { get; }

    /// <summary>Operations until the member exists.</summary>
    public int Born { get; }

    private ulong LastIndex => _memory.Entries is [.., var last] ? last.Id.Index : _memory.Before.Index;

    /// <summary>One batch, and now and then something else.</summary>
    public void LiveOn()
    {
        switch (_random.Next(20))
        {
            case 0:
                Save();
                break;
            case 1 when _random.Next(3) == 0:
                Install();
                break;
            case 2:
                _wal.PrepareSpare();
                break;
            case 3 when LastIndex > _memory.HardState.Commit:
                Overwrite();
                break;
            default:
                Append(LastIndex + 1, _memory.HardState.Term + (_random.Next(8) == 0 ? 1UL : 0));
                break;
        }
    }

    /// <summary>What was restored is what had been told to be durable at the step, or with it what was under way.</summary>
    public void AssertRemembered(int step, RestoredState restored, string where)
    {
        int told = _told.FindLastIndex(told => told.Step <= step);
        int saved = _saved.FindLastIndex(saved => saved.Step <= step);
        EntryId snapshot = restored.Snapshot;
        Assert.True(
            snapshot == _saved[saved].At || (saved + 1 < _saved.Count && snapshot == _saved[saved + 1].At),
            $"{where}: snapshot {snapshot}, wanted {_saved[saved].At} or the next");
        string found = Told(restored.HardState, restored.Entries);
        string before = _told[told].State.From(snapshot);
        string after = told + 1 < _told.Count ? _told[told + 1].State.From(snapshot) : before;
        Assert.True(found == before || found == after, $"{where}:\nfound  {found}\nwanted {before}\nor     {after}");
    }

    private static string Told(HardState state, IEnumerable<Entry> entries) =>
        $"{state}: {string.Join(", ", entries.Select(static entry => $"{entry.Id} {Crc32C.Compute(entry.Payload.Span):x8}"))}";

    private void Append(ulong from, ulong term)
    {
        int least = from <= LastIndex ? 1 : 0;
        Entry[] entries = [.. Enumerable.Range(0, _random.Next(least, 4)).Select(i =>
            Entry(term, from + (ulong)i, $"{_random.Next():x} {new string((char)('a' + _random.Next(26)), _random.Next(300))}"))];
        NodeId? vote = _random.Next(3) == 0 ? new NodeId((ulong)_random.Next(1, 4)) : null;
        List<Entry> log = [.. _memory.Entries.Where(entry => entry.Id.Index < from), .. entries];
        ulong last = log is [.., var end] ? end.Id.Index : _memory.Before.Index;
        ulong commit = Math.Max(_memory.HardState.Commit, last - Math.Min(last, (ulong)_random.Next(6)));
        Write(new Memory(new HardState(term, vote, Math.Min(commit, last)), _memory.Before, log), null, entries);
    }

    /// <summary>A new leader has other entries where nothing is committed.</summary>
    private void Overwrite()
    {
        ulong commit = _memory.HardState.Commit;
        ulong from = commit + 1 + (ulong)_random.Next((int)(LastIndex - commit));
        Append(from, _memory.HardState.Term + 1);
    }

    private void Save()
    {
        EntryId at = _memory.At(_memory.HardState.Commit);
        if (at.Index <= _saved[^1].At.Index)
        {
            return;
        }

        _saved.Add((int.MaxValue, at));
        _snapshots.Save(StateAt(at).Publish(), at);
        _saved[^1] = (Disk.Steps.Count, at);
        _wal.DropBefore(_snapshots.Oldest.Index);
    }

    /// <summary>A peer's snapshot beyond the log's end, or of another history than the log's.</summary>
    private void Install()
    {
        ulong term = _memory.HardState.Term + (ulong)_random.Next(2);
        ulong commit = Math.Max(_memory.HardState.Commit, _saved[^1].At.Index);
        var at = new EntryId(term, commit + 1 + (ulong)_random.Next(10));
        if (_memory.At(at.Index) == at)
        {
            return;
        }

        _peer.Save(StateAt(at).Publish(), at);
        SnapshotReceiver receiver = _snapshots.Receive(at);
        Assert.True(receiver.Take(0, _peer.ReadPiece(at, 0)));
        _saved.Add((int.MaxValue, at));
        _snapshots.Install(receiver);
        _saved[^1] = (Disk.Steps.Count, at);

        // Until the mark is written, a start finds the snapshot and forgets what does not belong to it.
        _told.Add((Disk.Steps.Count, _memory));
        Write(new Memory(new HardState(term, null, at.Index), at, []), at, []);
    }

    private void Write(Memory next, EntryId? snapshot, IReadOnlyList<Entry> entries)
    {
        _told.Add((int.MaxValue, next));
        _wal.Write(new PersistBatch { HardState = next.HardState, Snapshot = snapshot, Entries = entries });
        _memory = next;
        _told[^1] = (Disk.Steps.Count, next);
    }

    private static KeyspaceState StateAt(EntryId at)
    {
        var state = new KeyspaceState();
        state.Skip(at.Index);
        return state;
    }

    /// <summary>What a member knows.</summary>
    private sealed record Memory(HardState HardState, EntryId Before, IReadOnlyList<Entry> Entries)
    {
        public EntryId At(ulong index) =>
            index == Before.Index ? Before : Entries.FirstOrDefault(entry => entry.Id.Index == index).Id;

        /// <summary>As a start from a snapshot has to know it.</summary>
        public string From(EntryId snapshot)
        {
            bool holds = At(snapshot.Index) == snapshot || snapshot.Index < Before.Index;
            HardState state = HardState.Term < snapshot.Term ? HardState with { Term = snapshot.Term, VotedFor = null } : HardState;
            return Told(
                state with { Commit = Math.Max(state.Commit, snapshot.Index) },
                holds ? Entries.Where(entry => entry.Id.Index > snapshot.Index) : []);
        }
    }
}
