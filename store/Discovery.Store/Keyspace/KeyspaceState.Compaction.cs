using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;

namespace Discovery.Store.Keyspace;

public sealed partial class KeyspaceState
{
    /// <summary>Whether compacted history still occupies memory.</summary>
    public bool HasTrimming => _trimmed < CompactedRevision;

    /// <summary>Bytes written since the history began; the leader measures its age in bytes by it.</summary>
    internal EventLog Events => _events;

    /// <summary>
    /// Frees the memory of compacted versions, some revisions at a time. Nobody can tell by reading: what is freed was
    /// unreadable since the compaction was applied.
    /// </summary>
    public void Trim(int revisions)
    {
        long upTo = Math.Min(CompactedRevision, _trimmed + revisions);
        foreach (RevisionEvents events in _events.View.From(_trimmed))
        {
            if (events.Revision > upTo)
            {
                break;
            }

            foreach (AppliedEvent applied in events.Events)
            {
                TrimKey(applied.Kv);
            }
        }

        _trimmed = upTo;
        _events.DropBelow(upTo);
    }

    private void TrimKey(KeyValue kv)
    {
        if (_tree.Current.Get(kv.Key) is not { } history)
        {
            return;
        }

        KeyHistory? kept = history.Trim(CompactedRevision);
        if (kept is null)
        {
            _tree.Remove(kv.Key);
        }
        else if (!ReferenceEquals(kept, history))
        {
            _tree.Set(kv.Key, kept);
        }
    }

    private CommandResult ApplyCompaction(CompactionRequest compaction)
    {
        if (compaction.Revision > Revision)
        {
            return CommandResult.Failed(EtcdError.FutureRevision);
        }

        if (compaction.Revision <= CompactedRevision && CompactedRevision != 0)
        {
            return CommandResult.Failed(EtcdError.Compacted);
        }

        CompactedRevision = Math.Max(CompactedRevision, compaction.Revision);
        return CommandResult.Applied(new CompactionResponse { Header = HeaderAt(Revision) });
    }
}
