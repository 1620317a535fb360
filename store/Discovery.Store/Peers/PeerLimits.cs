namespace Discovery.Store.Peers;

/// <summary>Every bound of what members say to each other, with its unit and where the number is from.</summary>
public static class PeerLimits
{
    /// <summary>
    /// Bytes of one frame's payload: the largest entry that <c>--max-request-bytes</c> allows, 64 MiB, and what stands
    /// around it.
    /// </summary>
    public const int FrameBytesMax = 65 * 1024 * 1024;

    /// <summary>Bytes of a frame before both ends know each other; what is larger is no greeting.</summary>
    public const int HandshakeBytesMax = 16 * 1024;

    /// <summary>Entries of one message: a full message of Raft (1 MiB) with a byte in each.</summary>
    public const int EntriesMax = 1024 * 1024;

    /// <summary>Commands, sequences or leases of one message; a follower's loop collects at most <see cref="Limits.InboxLength"/> a turn.</summary>
    public const int ItemsMax = 64 * 1024;

    /// <summary>Bytes of a snapshot's piece that are taken: room for later versions to send larger ones.</summary>
    public const int SnapshotChunkBytesMax = 4 * Limits.SnapshotPieceBytes;

    /// <summary>URLs that a member may advertise.</summary>
    public const int UrlsMax = 16;

    /// <summary>Bytes of a URL (a DNS name has at most 255).</summary>
    public const int UrlBytesMax = 512;

    /// <summary>Bytes of a refusal's text.</summary>
    public const int RefusalBytesMax = 1024;

    /// <summary>Addresses tried of those that one name resolves to.</summary>
    public const int AddressesPerNameMax = 8;

    /// <summary>
    /// Bytes that wait for one peer or are being sent to it: twice what Raft leaves unanswered (InflightBytesMax), so
    /// that heartbeats fit beside a full window. What comes when it is full is dropped, and Raft says it again.
    /// </summary>
    public const long QueueBytesMax = 32L * 1024 * 1024;

    /// <summary>Messages that wait for one peer: sixteen times what Raft leaves unanswered.</summary>
    public const int QueueLengthMax = 4096;

    /// <summary>Bytes put into one send; larger frames are sent alone.</summary>
    public const int SendBytes = 256 * 1024;

    /// <summary>Bytes of a connection's buffer for receiving, at first; a larger frame gets room as its bytes arrive.</summary>
    public const int ReceiveBytes = 128 * 1024;

    /// <summary>Bytes of that buffer that are kept: a full message of Raft fits. What is above is given back after the frame.</summary>
    public const int ReceiveBytesKept = 2 * 1024 * 1024;

    /// <summary>
    /// Bytes of the arrays that entries of one frame share: below what the runtime treats as a large object (85,000),
    /// whose collection is that of the whole heap.
    /// </summary>
    public const int SharedBytes = 64 * 1024;

    /// <summary>Connections from peers at a time; further ones are closed at once. A member has one from each other, for a moment two.</summary>
    public const int ConnectionsMax = 64;

    /// <summary>Connections that have not said yet who they are; one more, and the oldest of them is closed.</summary>
    public const int HandshakesMax = 16;

    /// <summary>Connections that the kernel holds for us before they are accepted.</summary>
    public const int Backlog = 64;

    /// <summary>How long a greeting and its answer may take; the answer to an offer writes a data directory.</summary>
    public static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(5);

    /// <summary>How long a stranger may take to read our answer before the connection is closed.</summary>
    public static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long a peer may acknowledge or take nothing of what is sent to it (send timeout and TCP_USER_TIMEOUT). TCP
    /// itself waits ever longer between attempts and goes on for a quarter of an hour, so that the end of a partition
    /// would be noticed late.
    /// </summary>
    public static readonly TimeSpan StallTime = TimeSpan.FromSeconds(3);

    /// <summary>How long a host may be silent to a dial: two packets, the second after a second.</summary>
    public static readonly TimeSpan DialTime = TimeSpan.FromMilliseconds(1500);

    /// <summary>Silence after which TCP asks whether the other end is there; then every <see cref="KeepAliveInterval"/>.</summary>
    public static readonly TimeSpan KeepAliveTime = TimeSpan.FromSeconds(5);

    /// <summary>See <see cref="KeepAliveTime"/>.</summary>
    public static readonly TimeSpan KeepAliveInterval = TimeSpan.FromSeconds(1);

    /// <summary>Questions without an answer before the connection counts as dead.</summary>
    public const int KeepAliveQuestions = 3;

    /// <summary>The first wait after a failed dial; each next is twice as long, less up to half of it by chance.</summary>
    public static readonly TimeSpan BackoffMin = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest wait between dials. A connection that lived this long is dialed again at once.</summary>
    public static readonly TimeSpan BackoffMax = TimeSpan.FromSeconds(1);

    /// <summary>The same line about the same peer is logged once in this time.</summary>
    public static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    /// <summary>Peers and reasons remembered for <see cref="LogInterval"/>.</summary>
    public const int LogReasonsMax = 256;

    /// <summary>How long the end of the threads is waited for; one may be held by a name server.</summary>
    public static readonly TimeSpan StopTime = TimeSpan.FromSeconds(5);
}
