using Discovery.EtcdApi.Grpc;

namespace Discovery.EtcdApi;

/// <summary>
/// The errors that etcd's clients look for. They match on the text, so texts and codes are etcd's to the letter
/// (etcd: api/v3rpc/rpctypes/error.go).
/// </summary>
public sealed record EtcdError(GrpcStatusCode Code, string Text)
{
    /// <summary>The request has no key.</summary>
    public static readonly EtcdError EmptyKey = new(GrpcStatusCode.InvalidArgument, "etcdserver: key is not provided");

    /// <summary>ignore_value or ignore_lease on a key that does not exist; an operation without content.</summary>
    public static readonly EtcdError KeyNotFound = new(GrpcStatusCode.InvalidArgument, "etcdserver: key not found");

    /// <summary>ignore_value together with a value.</summary>
    public static readonly EtcdError ValueProvided = new(GrpcStatusCode.InvalidArgument, "etcdserver: value is provided");

    /// <summary>ignore_lease together with a lease.</summary>
    public static readonly EtcdError LeaseProvided = new(GrpcStatusCode.InvalidArgument, "etcdserver: lease is provided");

    /// <summary>A transaction with more operations than the limit (128).</summary>
    public static readonly EtcdError TooManyOps = new(GrpcStatusCode.InvalidArgument, "etcdserver: too many operations in txn request");

    /// <summary>A transaction that puts one key twice.</summary>
    public static readonly EtcdError DuplicateKey = new(GrpcStatusCode.InvalidArgument, "etcdserver: duplicate key given in txn request");

    /// <summary>A sort order or target outside the enum.</summary>
    public static readonly EtcdError InvalidSortOption = new(GrpcStatusCode.InvalidArgument, "etcdserver: invalid sort option");

    /// <summary>A request above the size limit (1.5 MiB).</summary>
    public static readonly EtcdError RequestTooLarge = new(GrpcStatusCode.InvalidArgument, "etcdserver: request is too large");

    /// <summary>The revision asked for is below the compacted one.</summary>
    public static readonly EtcdError Compacted = new(GrpcStatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted");

    /// <summary>The revision asked for has not happened yet.</summary>
    public static readonly EtcdError FutureRevision = new(GrpcStatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision");

    /// <summary>The lease does not exist.</summary>
    public static readonly EtcdError LeaseNotFound = new(GrpcStatusCode.NotFound, "etcdserver: requested lease not found");

    /// <summary>A lease with this id exists.</summary>
    public static readonly EtcdError LeaseExists = new(GrpcStatusCode.FailedPrecondition, "etcdserver: lease already exists");

    /// <summary>A lease above 9,000,000,000 s.</summary>
    public static readonly EtcdError LeaseTtlTooLarge = new(GrpcStatusCode.OutOfRange, "etcdserver: too large lease TTL");

    /// <summary>A member with this id exists.</summary>
    public static readonly EtcdError MemberExists = new(GrpcStatusCode.FailedPrecondition, "etcdserver: member ID already exist");

    /// <summary>Another member has one of these peer URLs.</summary>
    public static readonly EtcdError PeerUrlExists = new(GrpcStatusCode.FailedPrecondition, "etcdserver: Peer URLs already exists");

    /// <summary>After the change fewer members would have ever started than a majority needs.</summary>
    public static readonly EtcdError NotEnoughStarted =
        new(GrpcStatusCode.FailedPrecondition, "etcdserver: re-configuration failed due to not enough started members");

    /// <summary>Peer URLs that nobody could be reached by.</summary>
    public static readonly EtcdError BadMemberUrls = new(GrpcStatusCode.InvalidArgument, "etcdserver: given member URLs are invalid");

    /// <summary>No member has this id, or it was removed.</summary>
    public static readonly EtcdError MemberNotFound = new(GrpcStatusCode.NotFound, "etcdserver: member not found");

    /// <summary>The member to be promoted votes already.</summary>
    public static readonly EtcdError NotLearner = new(GrpcStatusCode.FailedPrecondition, "etcdserver: can only promote a learner member");

    /// <summary>The learner's log is too far behind the leader's.</summary>
    public static readonly EtcdError LearnerNotReady =
        new(GrpcStatusCode.FailedPrecondition, "etcdserver: can only promote a learner member which is in sync with leader");

    /// <summary>More learners than a cluster may have (1).</summary>
    public static readonly EtcdError TooManyLearners =
        new(GrpcStatusCode.FailedPrecondition, "etcdserver: too many learner members in cluster");

    /// <summary>Too many members cannot be reached: the change could cost the majority.</summary>
    public static readonly EtcdError Unhealthy = new(GrpcStatusCode.Unavailable, "etcdserver: unhealthy cluster");

    /// <summary>A learner serves reads of its own state and its status, nothing else.</summary>
    public static readonly EtcdError NotForLearner = new(GrpcStatusCode.Unavailable, "etcdserver: rpc not supported for learner");

    /// <summary>Only the leader can hand over.</summary>
    public static readonly EtcdError NotLeader = new(GrpcStatusCode.FailedPrecondition, "etcdserver: not leader");

    /// <summary>The member to hand over to does not vote, or does not exist.</summary>
    public static readonly EtcdError BadTransferee = new(GrpcStatusCode.FailedPrecondition, "etcdserver: bad leader transferee");

    /// <summary>The caller means another cluster.</summary>
    public static readonly EtcdError ClusterIdMismatch =
        new(GrpcStatusCode.FailedPrecondition, "etcdserver: request ignored (cluster ID mismatch)");

    /// <summary>The live bytes exceed the quota.</summary>
    public static readonly EtcdError NoSpace = new(GrpcStatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded");

    /// <summary>More requests wait than the server takes.</summary>
    public static readonly EtcdError TooManyRequests = new(GrpcStatusCode.ResourceExhausted, "etcdserver: too many requests");

    /// <summary>No leader is known.</summary>
    public static readonly EtcdError NoLeader = new(GrpcStatusCode.Unavailable, "etcdserver: no leader");

    /// <summary>The leader changed while the request was under way; its outcome is unknown.</summary>
    public static readonly EtcdError LeaderChanged = new(GrpcStatusCode.Unavailable, "etcdserver: leader changed");

    /// <summary>The server stops.</summary>
    public static readonly EtcdError Stopped = new(GrpcStatusCode.Unavailable, "etcdserver: server stopped");

    /// <summary>The request was not applied in time; its outcome is unknown.</summary>
    public static readonly EtcdError Timeout = new(GrpcStatusCode.Unavailable, "etcdserver: request timed out");

    /// <summary>As <see cref="Timeout"/>, and the leader was lost meanwhile.</summary>
    public static readonly EtcdError TimeoutLeaderFailed =
        new(GrpcStatusCode.Unavailable, "etcdserver: request timed out, possibly due to previous leader failure");

    /// <summary>As <see cref="Timeout"/>, and this member has no connection to the leader, or it to a majority.</summary>
    public static readonly EtcdError TimeoutConnectionLost =
        new(GrpcStatusCode.Unavailable, "etcdserver: request timed out, possibly due to connection lost");

    /// <summary>Auth calls while auth is off.</summary>
    public static readonly EtcdError AuthNotEnabled = new(GrpcStatusCode.FailedPrecondition, "etcdserver: authentication is not enabled");

    /// <summary>The token is unknown or has ended; the client logs in again.</summary>
    public static readonly EtcdError InvalidAuthToken = new(GrpcStatusCode.Unauthenticated, "etcdserver: invalid auth token");

    /// <summary>This error as what a call throws.</summary>
    public GrpcException ToException() => new(Code, Text);

    /// <summary>Whether a failed call failed with this error.</summary>
    public bool Is(GrpcException e) => e.Code == Code && e.Message == Text;
}
