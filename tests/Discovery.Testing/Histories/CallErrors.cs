using Discovery.EtcdApi.Grpc;

namespace Discovery.Testing.Histories;

/// <summary>Which errors say that a write certainly had no effect. What is not known to say so does not.</summary>
public static class CallErrors
{
    /// <summary>
    /// A request that never left its client failed, and so did one that was judged before or while it was applied.
    /// etcd's "request timed out", "leader changed", "server stopped", a lost connection and the client's own deadline say nothing:
    /// the write may be in the log already, or in that of a leader to be.
    /// </summary>
    public static Outcome OutcomeOf(GrpcException error) => error switch
    {
        { NeverSent: true } => Outcome.Failed,
        {
            Code: GrpcStatusCode.InvalidArgument or GrpcStatusCode.OutOfRange or GrpcStatusCode.NotFound or GrpcStatusCode.AlreadyExists
                or GrpcStatusCode.FailedPrecondition or GrpcStatusCode.PermissionDenied or GrpcStatusCode.Unauthenticated or GrpcStatusCode.Unimplemented
        }
            => Outcome.Failed,
        // "too many requests" is said before a proposal, "database space exceeded" before or while it is applied.
        { Code: GrpcStatusCode.ResourceExhausted } => Outcome.Failed,
        _ => Outcome.Unknown,
    };
}
