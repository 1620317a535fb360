using Discovery.EtcdApi.Messages;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Store.Tests.Keyspace;

public sealed class CommandCodecTests
{
    [Theory]
    [MemberData(nameof(Commands))]
    public void Command_and_who_waits_for_it_survive_their_bytes(Command command)
    {
        var waiting = new ProposalId(0xfedc_ba98_7654_3210, 7);

        byte[] payload = CommandCodec.Encode(command, waiting);

        Assert.Equal(command, CommandCodec.Decode(payload, out ProposalId found));
        Assert.Equal(waiting, found);
        Assert.Equal(waiting, CommandCodec.ProposalOf(payload));
    }

    [Fact]
    public void Command_of_version_1_is_read_and_nobody_waits_for_it()
    {
        // As the first released version wrote it: a put of "a" = "v".
        byte[] payload = Convert.FromHexString("0101" + "0a0161" + "120176");

        Command found = CommandCodec.Decode(payload, out ProposalId waiting);

        Assert.Equal(new Command(CommandKind.Put, new PutRequest { Key = Bytes("a"), Value = Bytes("v") }), found);
        Assert.Equal(default, waiting);
    }

    [Fact]
    public void Command_of_version_2_has_the_bytes_that_every_later_version_must_read()
    {
        var put = new Command(CommandKind.Put, new PutRequest { Key = Bytes("a"), Value = Bytes("v") });

        Assert.Equal(
            "0102" + "0700000000000000" + "0900000000000000" + "0a0161" + "120176",
            Convert.ToHexStringLower(CommandCodec.Encode(put, new ProposalId(7, 9))));
    }

    [Fact]
    public void Newer_version_and_damaged_bytes_are_refused()
    {
        byte[] payload = CommandCodec.Encode(new Command(CommandKind.Put, new PutRequest()), default);
        payload[1] = 3;

        Assert.Contains("version 3", Refusal(payload), StringComparison.Ordinal);
        Assert.Contains("kind 77", Refusal([77, 1]), StringComparison.Ordinal);
        Assert.Contains("1 bytes", Refusal([1]), StringComparison.Ordinal);
        Assert.Contains("17 bytes", Refusal(payload[..1].Concat(new byte[] { 2 }).Concat(new byte[15]).ToArray()), StringComparison.Ordinal);
        Assert.Contains("does not parse", Refusal([1, 1, 0xff]), StringComparison.Ordinal);
    }

    public static TheoryData<Command> Commands() =>
    [
        new Command(CommandKind.Put, new PutRequest { Key = Bytes("a\u00ff"), Value = Bytes("v"), Lease = 4 }),
        new Command(CommandKind.Member, new MemberCommand { Kind = MemberCommand.Types.Kind.Add, Pending = true, Members = { new Member { ID = 3 } } }),
        new Command(CommandKind.LeaseCheckpoint, new LeaseCheckpointRequest { Checkpoints = { new LeaseCheckpoint { ID = 3, RemainingTTL = 400 } } }),
    ];

    private static string Refusal(byte[] payload) =>
        Assert.Throws<StoreDataException>(() => CommandCodec.Decode(payload, out _)).Message;

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
