namespace Discovery.EtcdApi.Grpc;

/// <summary>gRPC's status codes, at their numbers on the wire.</summary>
public enum GrpcStatusCode
{
    /// <summary>The call succeeded.</summary>
    Ok = 0,

    /// <summary>The caller gave up.</summary>
    Canceled = 1,

    /// <summary>An error of no known kind.</summary>
    Unknown = 2,

    /// <summary>The request is wrong whatever the state of the server.</summary>
    InvalidArgument = 3,

    /// <summary>The deadline passed before the answer; the outcome of a write is unknown.</summary>
    DeadlineExceeded = 4,

    /// <summary>What was asked for does not exist.</summary>
    NotFound = 5,

    /// <summary>What was to be created exists.</summary>
    AlreadyExists = 6,

    /// <summary>The caller may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>A quota, a queue or a message size is exceeded.</summary>
    ResourceExhausted = 8,

    /// <summary>The server's state forbids it; retrying does not help until that changes.</summary>
    FailedPrecondition = 9,

    /// <summary>Stopped by a concurrent change.</summary>
    Aborted = 10,

    /// <summary>A revision or number outside what exists.</summary>
    OutOfRange = 11,

    /// <summary>No such method.</summary>
    Unimplemented = 12,

    /// <summary>A bug in the server.</summary>
    Internal = 13,

    /// <summary>The server cannot answer now; the outcome of a write is unknown.</summary>
    Unavailable = 14,

    /// <summary>Data is lost or corrupt.</summary>
    DataLoss = 15,

    /// <summary>The caller's credentials are missing or wrong.</summary>
    Unauthenticated = 16,
}

/// <summary>A call that ended with a status other than <see cref="GrpcStatusCode.Ok"/>; the message is the peer's text to the letter.</summary>
public sealed class GrpcException(GrpcStatusCode code, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The status on the wire.</summary>
    public GrpcStatusCode Code { get; } = code;

    /// <summary>Whether the request certainly never reached a server, so that repeating it is safe even for a write.</summary>
    public bool NeverSent { get; init; }
}
