using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Api;

/// <summary>
/// What a member refuses before anybody looks at what is asked (etcd: v3rpc interceptors): almost everything while it is
/// a learner, everything while there is no leader, from clients that said they would rather know, and everything at all
/// while it waits to become a member (etcd listens and does not answer then).
/// </summary>
/// <param name="isNobody">Whether this node is no member yet.</param>
/// <param name="isLearner">Whether this member has no vote and is shown so. One that waits to become a voter serves as one.</param>
/// <param name="hasLeader">Whether this member knows a leader.</param>
internal sealed class Admission(Func<bool> isNobody, Func<bool> isLearner, Func<bool> hasLeader)
{
    /// <summary>Metadata with the value <c>true</c>: the client wants an error at once while there is no leader.</summary>
    public const string LeaderMetadata = "hasleader";

    /// <summary>Registers a method whose requests are admitted first.</summary>
    public void MapUnary<TRequest, TResponse>(
        GrpcServer grpc,
        string path,
        MessageParser<TRequest> parser,
        Func<TRequest, GrpcCall, ValueTask<TResponse>> handler)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        grpc.MapUnary(path, parser, (request, call) =>
        {
            Check(request, WantsLeader(call.Metadata(LeaderMetadata)));
            return handler(request, call);
        });

    /// <summary>Registers a streaming method; streams are admitted as a whole. The handler is told whether the client wants a leader.</summary>
    public void MapStreaming(GrpcServer grpc, string path, Func<GrpcCall, bool, Task> handler) =>
        grpc.MapStreaming(path, call =>
        {
            bool wantsLeader = WantsLeader(call.Metadata(LeaderMetadata));
            CheckStream(wantsLeader);
            return handler(call, wantsLeader);
        });

    /// <summary>Whether the metadata's value says so.</summary>
    public static bool WantsLeader(string? metadata) => metadata == "true";

    /// <summary>Throws when the request is not served now.</summary>
    /// <exception cref="GrpcException">Nobody or a learner was asked, or there is no leader.</exception>
    public void Check(IMessage request, bool wantsLeader)
    {
        bool isForLearners = request is StatusRequest or RangeRequest { Serializable: true };
        RaftHostCalls.ThrowIf(
            isNobody() ? EtcdError.NoLeader
            : !isForLearners && isLearner() ? EtcdError.NotForLearner
            : wantsLeader && !hasLeader() ? EtcdError.NoLeader
            : null);
    }

    /// <summary>Throws when no stream is served now.</summary>
    /// <exception cref="GrpcException">Nobody or a learner was asked, or there is no leader.</exception>
    public void CheckStream(bool wantsLeader) =>
        RaftHostCalls.ThrowIf(
            isNobody() ? EtcdError.NoLeader
            : isLearner() ? EtcdError.NotForLearner
            : wantsLeader && !hasLeader() ? EtcdError.NoLeader
            : null);
}
