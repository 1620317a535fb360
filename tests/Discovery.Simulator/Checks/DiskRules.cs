using Discovery.Raft;

namespace Discovery.Simulator.Checks;

/// <summary>
/// What a member must find on its disk after a crash: all that was durable, and of the batch that was being written all
/// or nothing. The start of the log may have become a state since; then it was applied.
/// </summary>
internal static class DiskRules
{
    private const string Name = "durable state survives";

    public static void CheckRestart(RunPosition position, MemberTrace member, RestoredState restored, CommittedEntries committed)
    {
        string? missing = Compare(member.Disk, restored, committed);
        if (missing is not null && member.Writing is { } batch)
        {
            DurableLog written = member.Disk.Clone();
            Write(written, batch);
            missing = Compare(written, restored, committed) is { } also ? $"{missing}; with the batch that was being written: {also}" : null;
        }

        if (missing is not null)
        {
            position.Fail(Name, $"{member.Id} restarts and {missing}");
        }

        if (restored.Snapshot.Index > committed.Said)
        {
            position.Fail("snapshots are committed", $"{member.Id} restarts from the state at {restored.Snapshot}; committed is {committed.Said}");
        }
    }

    private static void Write(DurableLog disk, PersistBatch batch)
    {
        disk.HardState = batch.HardState;
        if (batch.Snapshot is { } state)
        {
            disk.BeginAt(state);
        }

        foreach (Entry entry in batch.Entries)
        {
            disk.Append(entry, DurableLog.ContentOf(entry));
        }
    }

    /// <summary>What the restored state lacks or has too much; null when it is what was durable.</summary>
    private static string? Compare(DurableLog durable, RestoredState restored, CommittedEntries committed)
    {
        DurableLog disk = durable;
        if (restored.HardState.Term != disk.HardState.Term || restored.HardState.VotedFor != disk.HardState.VotedFor)
        {
            return $"found {restored.HardState}; durable was {disk.HardState}";
        }

        if (restored.HardState.IsRecovering)
        {
            // It says itself that entries are lost; it must not forget what it promised beside them.
            return null;
        }

        if (restored.Snapshot.Index > disk.Base.Index)
        {
            // The log before the state is not needed, and behind a state that it contradicts nothing of it is.
            disk = disk.Clone();
            disk.BeginAt(restored.Snapshot);
        }

        EntryId last = restored.Entries.Count > 0 ? restored.Entries[^1].Id : restored.Snapshot;
        if (last != disk.Last)
        {
            return $"found a log up to {last}; durable was {disk.Last}";
        }

        foreach (Entry entry in restored.Entries)
        {
            if (disk.ContentAt(entry.Id.Index) is { } content
                && (disk.TermAt(entry.Id.Index) != entry.Id.Term || content != DurableLog.ContentOf(entry)))
            {
                return $"found {entry.Id}; durable was {disk.TermAt(entry.Id.Index)}.{entry.Id.Index}, or its content is another";
            }
        }

        return committed.TermAt(restored.Snapshot.Index) is { } term && term != restored.Snapshot.Term
            ? $"found the state at {restored.Snapshot}; committed there is term {term}"
            : null;
    }
}
