namespace Discovery.Raft;

/// <summary>What an entry is for. The numbers are in every log: only ever extended.</summary>
public enum EntryKind : byte
{
    /// <summary>Bytes for the state machine.</summary>
    Command = 0,

    /// <summary>A new leader's first entry: once it is committed, everything before it is (Raft §5.4.2, §8).</summary>
    NoOp = 1,

    /// <summary>
    /// Who the members are from here on, as <see cref="Membership.Encode"/> wrote it. It counts as soon as it is in the
    /// log, committed or not (Raft §6).
    /// </summary>
    Membership = 2,
}

/// <summary>One entry of the log. The payload is never changed after it was proposed.</summary>
public readonly record struct Entry(EntryId Id, EntryKind Kind, ReadOnlyMemory<byte> Payload);
