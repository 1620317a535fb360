using Discovery.EtcdApi;
using Google.Protobuf;

namespace Discovery.Store.Keyspace;

/// <summary>What a log entry asks of the keyspace. The numbers are in every log: only ever extended.</summary>
public enum CommandKind : byte
{
    /// <summary>A PutRequest.</summary>
    Put = 1,

    /// <summary>A DeleteRangeRequest.</summary>
    DeleteRange = 2,

    /// <summary>A TxnRequest.</summary>
    Txn = 3,

    /// <summary>A CompactionRequest.</summary>
    Compact = 4,

    /// <summary>A LeaseGrantRequest, its id and TTL filled in.</summary>
    LeaseGrant = 5,

    /// <summary>A LeaseRevokeRequest, from a client or from expiry.</summary>
    LeaseRevoke = 6,

    /// <summary>A MemberCommand: who the members are. What changes Raft's voters or learners comes with an entry of its own kind.</summary>
    Member = 7,

    /// <summary>A LeaseCheckpointRequest: how long leases have left by the leader's clock.</summary>
    LeaseCheckpoint = 8,
}

/// <summary>A change to the keyspace: etcd's own request message, which nobody changes once it is proposed.</summary>
public readonly record struct Command(CommandKind Kind, IMessage Request);

/// <summary>
/// What became of a command: etcd's response message, whose header has only its revision set, or an error. Never both.
/// </summary>
public readonly record struct CommandResult(IMessage? Response, EtcdError? Error)
{
    /// <summary>The command was not applied, or (Unavailable) nobody knows.</summary>
    public static CommandResult Failed(EtcdError error) => new(null, error);

    /// <summary>The command was applied.</summary>
    public static CommandResult Applied(IMessage response) => new(response, null);
}

/// <summary>
/// Which request of which process a command was: whoever applies it knows whether somebody here waits for it, on
/// whichever member it was proposed.
/// </summary>
/// <param name="Instance">Drawn at random when a process starts; 0 when nobody waits.</param>
/// <param name="Sequence">Counts the requests of the process.</param>
public readonly record struct ProposalId(ulong Instance, ulong Sequence);
