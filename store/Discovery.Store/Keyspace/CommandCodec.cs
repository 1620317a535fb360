using System.Buffers.Binary;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>
/// A command as a log entry's payload, little-endian: kind (1), version (1), the proposal's instance (8) and sequence
/// (8), the request's protobuf bytes. Version 1 had no proposal in it; it is still read.
/// </summary>
public static class CommandCodec
{
    /// <summary>Version of every command written now. A payload with a newer version is refused, never guessed at.</summary>
    public const byte Version = 2;

    private const int HeaderBytes = 18;

    /// <summary>Version 1: kind, version, protobuf bytes.</summary>
    private const int FirstHeaderBytes = 2;

    /// <summary>The command's bytes.</summary>
    /// <param name="command">What is to be applied.</param>
    /// <param name="proposal">Who waits for it; default when nobody does.</param>
    public static byte[] Encode(in Command command, ProposalId proposal)
    {
        byte[] payload = new byte[HeaderBytes + command.Request.CalculateSize()];
        payload[0] = (byte)command.Kind;
        payload[1] = Version;
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(2), proposal.Instance);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(10), proposal.Sequence);
        command.Request.WriteTo(payload.AsSpan(HeaderBytes));
        return payload;
    }

    /// <summary>Who waits for the command of a log entry, without reading the command; default when nobody does.</summary>
    /// <exception cref="StoreDataException">The payload is newer than this program, or no command.</exception>
    public static ProposalId ProposalOf(ReadOnlySpan<byte> payload) =>
        HeaderBytesOf(payload) == FirstHeaderBytes
            ? default
            : new(BinaryPrimitives.ReadUInt64LittleEndian(payload[2..]), BinaryPrimitives.ReadUInt64LittleEndian(payload[10..]));

    /// <summary>The command of a log entry.</summary>
    /// <exception cref="StoreDataException">The payload is newer than this program, or no command.</exception>
    public static Command Decode(ReadOnlySpan<byte> payload, out ProposalId proposal)
    {
        proposal = ProposalOf(payload);
        var kind = (CommandKind)payload[0];
        MessageParser parser = kind switch
        {
            CommandKind.Put => PutRequest.Parser,
            CommandKind.DeleteRange => DeleteRangeRequest.Parser,
            CommandKind.Txn => TxnRequest.Parser,
            CommandKind.Compact => CompactionRequest.Parser,
            CommandKind.LeaseGrant => LeaseGrantRequest.Parser,
            CommandKind.LeaseRevoke => LeaseRevokeRequest.Parser,
            CommandKind.Member => MemberCommand.Parser,
            CommandKind.LeaseCheckpoint => LeaseCheckpointRequest.Parser,
            _ => throw new StoreDataException(
                $"a log entry has command kind {payload[0]}; this program knows 1 to 8: start the newer program that wrote it"),
        };
        try
        {
            return new Command(kind, parser.ParseFrom(payload[HeaderBytesOf(payload)..]));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new StoreDataException($"a log entry of kind {kind} does not parse: {e.Message}", e);
        }
    }

    private static int HeaderBytesOf(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < FirstHeaderBytes)
        {
            throw new StoreDataException($"a log entry holds {payload.Length} bytes; a command has at least {FirstHeaderBytes}");
        }

        int header = payload[1] switch
        {
            1 => FirstHeaderBytes,
            Version => HeaderBytes,
            _ => throw new StoreDataException(
                $"a log entry has command version {payload[1]}; this program reads 1 to {Version}: start the newer program that wrote it"),
        };
        return payload.Length >= header
            ? header
            : throw new StoreDataException($"a log entry holds {payload.Length} bytes; a command of version {payload[1]} has at least {header}");
    }
}
