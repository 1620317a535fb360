using System.Collections.Immutable;

namespace Discovery.Store.Keyspace;

/// <summary>
/// The changes of every kept revision, in order: what watches read. One thread appends; views read. A chunk is shared
/// with views that look at fewer of its slots; the list of chunks is replaced, never changed.
/// </summary>
internal sealed class EventLog
{
    /// <summary>Revisions of a chunk, a power of two so that finding one is a shift.</summary>
    private const int ChunkRevisions = 1024;

    private ImmutableArray<Chunk> _chunks = [];

    /// <summary>Makes an empty log whose first revision will be this.</summary>
    public EventLog(long first)
    {
        First = first;
        Next = first;
    }

    /// <summary>The oldest revision kept.</summary>
    public long First { get; private set; }

    /// <summary>The revision of the next append.</summary>
    public long Next { get; private set; }

    /// <summary>Bytes of keys and values since the log was made. Only grows; differences count.</summary>
    public long BytesWritten { get; private set; }

    public EventLogView View => new(_chunks, First, Next);

    public void Append(RevisionEvents events)
    {
        Chunk? last = _chunks.IsEmpty ? null : _chunks[^1];
        if (last is null || Next - last.First == ChunkRevisions)
        {
            last = new Chunk(Next, new RevisionEvents[ChunkRevisions], BytesWritten);
            _chunks = _chunks.Add(last);
        }

        last.Slots[Next - last.First] = events;
        Next++;
        foreach (AppliedEvent applied in events.Events)
        {
            BytesWritten += applied.Kv.Key.Length + applied.Kv.Value.Length;
        }
    }

    /// <summary>Forgets the revisions below; whole chunks give their memory back.</summary>
    public void DropBelow(long revision)
    {
        First = Math.Max(First, Math.Min(revision, Next));
        int whole = 0;
        while (whole < _chunks.Length && _chunks[whole].First + ChunkRevisions <= First)
        {
            whole++;
        }

        _chunks = whole == 0 ? _chunks : _chunks.RemoveRange(0, whole);
    }

    /// <summary>The first revision of the oldest chunks that together hold at most the bytes; exact to a chunk.</summary>
    public long FirstWithin(long bytes)
    {
        for (int i = 0; i < _chunks.Length; i++)
        {
            if (BytesWritten - _chunks[i].BytesBefore <= bytes)
            {
                return Math.Max(First, _chunks[i].First);
            }
        }

        return Next;
    }

    /// <summary>Slots of consecutive revisions; bytes written before the first of them.</summary>
    internal sealed record Chunk(long First, RevisionEvents[] Slots, long BytesBefore);
}

/// <summary>The log as it was when the view was taken.</summary>
internal readonly struct EventLogView(ImmutableArray<EventLog.Chunk> chunks, long first, long next)
{
    /// <summary>The oldest revision kept.</summary>
    public long First => first;

    /// <summary>One above the newest revision.</summary>
    public long Next => next;

    public IEnumerable<RevisionEvents> From(long revision)
    {
        for (long at = Math.Max(revision, first); at < next; at++)
        {
            EventLog.Chunk chunk = chunks[(int)((at - chunks[0].First) / chunks[0].Slots.Length)];
            yield return chunk.Slots[at - chunk.First];
        }
    }
}
