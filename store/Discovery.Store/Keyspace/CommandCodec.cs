using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>A command as a log entry's payload: one byte kind, one byte version, the request's protobuf bytes.</summary>
public static class CommandCodec
{
    /// <summary>Version of every command written now. A payload with another version is refused, never guessed at.</summary>
    public const byte Version = 1;

    private const int HeaderBytes = 2;

    /// <summary>The command's bytes.</summary>
    public static byte[] Encode(in Command command)
    {
        byte[] payload = new byte[HeaderBytes + command.Request.CalculateSize()];
        payload[0] = (byte)command.Kind;
        payload[1] = Version;
        command.Request.WriteTo(payload.AsSpan(HeaderBytes));
        return payload;
    }

    /// <summary>The command of a log entry.</summary>
    /// <exception cref="StoreDataException">The payload is newer than this program, or no command.</exception>
    public static Command Decode(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderBytes)
        {
            throw new StoreDataException($"a log entry holds {payload.Length} bytes; a command has at least {HeaderBytes}");
        }

        if (payload[1] != Version)
        {
            throw new StoreDataException(
                $"a log entry has command version {payload[1]}; this program reads {Version}: start the newer program that wrote it");
        }

        var kind = (CommandKind)payload[0];
        MessageParser parser = kind switch
        {
            CommandKind.Put => PutRequest.Parser,
            CommandKind.DeleteRange => DeleteRangeRequest.Parser,
            CommandKind.Txn => TxnRequest.Parser,
            CommandKind.Compact => CompactionRequest.Parser,
            CommandKind.LeaseGrant => LeaseGrantRequest.Parser,
            CommandKind.LeaseRevoke => LeaseRevokeRequest.Parser,
            _ => throw new StoreDataException(
                $"a log entry has command kind {payload[0]}; this program knows 1 to 6: start the newer program that wrote it"),
        };
        try
        {
            return new Command(kind, parser.ParseFrom(payload[HeaderBytes..]));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new StoreDataException($"a log entry of kind {kind} does not parse: {e.Message}", e);
        }
    }
}
