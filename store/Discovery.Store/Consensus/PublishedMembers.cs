using System.Collections.Immutable;
using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Kind = Discovery.EtcdApi.Messages.MemberCommand.Types.Kind;

namespace Discovery.Store.Consensus;

/// <summary>
/// Who has published a name in this member's log, decided or not: they have run. After a restart the table of the members
/// knows less than the log, until somebody leads, and by then a member that lost its memory may have voted. What is
/// committed by a majority with such a member in it stands behind its name, in the logs of the others. Any thread may ask;
/// one notes.
/// </summary>
internal sealed class PublishedMembers
{
    private volatile ImmutableHashSet<ulong> _ids = [];

    public bool Contains(NodeId id) => _ids.Contains(id.Value);

    /// <summary>Takes note of entries of the log. An entry that is replaced later has told the truth all the same.</summary>
    public void Note(IReadOnlyList<Entry> entries)
    {
        for (int i = 0; i < entries.Count; i++)
        {
            if (entries[i] is { Kind: EntryKind.Command, Payload: { IsEmpty: false, Span: var payload } } && payload[0] == (byte)CommandKind.Member
                && CommandCodec.Decode(payload, out _).Request is MemberCommand { Kind: Kind.Publish } published)
            {
                _ids = _ids.Union(published.Members.Select(static member => member.ID));
            }
        }
    }
}
