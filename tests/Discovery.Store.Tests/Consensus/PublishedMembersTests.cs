using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Google.Protobuf;
using Kind = Discovery.EtcdApi.Messages.MemberCommand.Types.Kind;

namespace Discovery.Store.Tests.Consensus;

public sealed class PublishedMembersTests
{
    [Fact]
    public void Who_published_a_name_is_known_from_the_log_before_it_is_applied()
    {
        var known = new PublishedMembers();
        known.Note(
        [
            Entry(new Command(CommandKind.Put, new PutRequest { Key = ByteString.CopyFromUtf8("a") })),
            new Entry(new EntryId(2, 2), EntryKind.NoOp, default),
            Entry(Member(Kind.Publish, 7)),
            Entry(Member(Kind.Update, 8)),
            new Entry(new EntryId(2, 3), EntryKind.Membership, new Membership([new NodeId(9)]).Encode()),
        ]);

        Assert.True(known.Contains(new NodeId(7)));
        Assert.False(known.Contains(new NodeId(8)));
        Assert.False(known.Contains(new NodeId(9)));

        known.Note([Entry(Member(Kind.Publish, 8))]);
        Assert.True(known.Contains(new NodeId(7)) && known.Contains(new NodeId(8)));
    }

    private static Command Member(Kind kind, ulong id) =>
        new(CommandKind.Member, new MemberCommand { Kind = kind, Members = { new Member { ID = id, Name = "m" } } });

    private static Entry Entry(in Command command) => new(new EntryId(2, 1), EntryKind.Command, CommandCodec.Encode(command, default));
}
