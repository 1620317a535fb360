using Discovery.EtcdApi;
using Discovery.Raft;

namespace Discovery.Store.Consensus;

/// <summary>
/// What members of one cluster say to each other: Raft's messages, and what <see cref="Replica"/> adds. Any of them may
/// be lost, late, repeated or out of order; none is trusted to be well-formed before <c>PeerCodec</c> has looked at it.
/// </summary>
internal abstract record PeerMessage(NodeId From, NodeId To);

/// <summary>One of Raft's own.</summary>
internal sealed record RaftMessage(Message Message) : PeerMessage(Message.From, Message.To);

/// <summary>
/// Commands that a follower's clients proposed, for the leader of the term to put in the log. A leader of another term
/// ignores it, so that the proposer knows: what is not in the log once an entry of a later term is committed never will be.
/// </summary>
/// <remarks><list type="bullet">
/// <item><c>Term</c>: the leader's term, as the follower knows it.</item>
/// <item><c>Batch</c>: Greater with each batch of one process: the leader takes each at most once.</item>
/// <item><c>Instance</c>: the process that sends it (<see cref="Keyspace.ProposalId.Instance"/>).</item>
/// <item><c>Commands</c>: Encoded commands.</item>
/// </list></remarks>
internal sealed record Forward(
    NodeId From, NodeId To, ulong Term, ulong Instance, ulong Batch, IReadOnlyList<ReadOnlyMemory<byte>> Commands) : PeerMessage(From, To);

/// <summary>The leader refused these commands of a batch; they are not in the log.</summary>
/// <remarks><list type="bullet">
/// <item><c>Sequences</c>: their <see cref="Keyspace.ProposalId.Sequence"/>s.</item>
/// <item><c>Error</c>: what their clients are told.</item>
/// </list></remarks>
internal sealed record ForwardRefused(
    NodeId From, NodeId To, IReadOnlyList<ulong> Sequences, EtcdError Error) : PeerMessage(From, To);

/// <summary>A follower's clients renew leases or ask for the time they have left; only the leader's clock counts.</summary>
/// <remarks><list type="bullet">
/// <item><c>Question</c>: Numbers the sender's questions; the answer repeats it.</item>
/// <item><c>Renew</c>: Give them their full time again; else only ask.</item>
/// </list></remarks>
internal sealed record LeaseQuestion(
    NodeId From, NodeId To, ulong Term, ulong Question, bool Renew, IReadOnlyList<long> LeaseIds) : PeerMessage(From, To);

/// <summary>Seconds of each lease that was asked for, in the same order; renewed: 0 = ended, asked: -1 = unknown.</summary>
internal sealed record LeaseAnswer(NodeId From, NodeId To, ulong Question, IReadOnlyList<long> Seconds) : PeerMessage(From, To);

/// <summary>A follower that was told to fetch a snapshot asks for the bytes from an offset on. It asks again when nothing comes.</summary>
internal sealed record SnapshotPull(NodeId From, NodeId To, EntryId At, long Offset) : PeerMessage(From, To);

/// <summary>A piece of a snapshot's file.</summary>
/// <remarks><list type="bullet">
/// <item><c>TotalBytes</c>: the file's length; 0 when the snapshot is gone and another must be offered.</item>
/// <item><c>Crc</c>: CRC-32C of the bytes, made where they were read from the disk.</item>
/// </list></remarks>
internal sealed record SnapshotChunk(
    NodeId From, NodeId To, EntryId At, long Offset, long TotalBytes, uint Crc, ReadOnlyMemory<byte> Bytes) : PeerMessage(From, To);
