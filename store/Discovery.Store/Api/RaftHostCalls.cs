using Discovery.EtcdApi;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Store.Api;

/// <summary>How the services ask the one owner: an outcome that is an error becomes the call's status.</summary>
internal static class RaftHostCalls
{
    /// <summary>Has a command decided and applied.</summary>
    public static async ValueTask<TResponse> DecideAsync<TResponse>(
        this RaftHost raft,
        CommandKind kind,
        IMessage request,
        CancellationToken cancellation)
        where TResponse : class, IMessage
    {
        CommandResult result = await raft.ProposeAsync(new(kind, request), cancellation);
        ThrowIf(result.Error);
        return (TResponse)result.Response!;
    }

    /// <summary>Waits until the view holds everything that was answered before this call.</summary>
    public static async ValueTask CatchUpAsync(this RaftHost raft, CancellationToken cancellation) =>
        ThrowIf(await raft.ReadBarrierAsync(cancellation));

    /// <summary>Whether this member has no vote and is shown so; one that waits to become a voter is none.</summary>
    public static bool IsLearner(this RaftHost raft) =>
        raft.View.Members.ById.TryGetValue(raft.Status.MemberId, out MemberRecord? self) && self.IsLearner;

    /// <summary>Whether this member's vote counts; that of a voter that was added does once it has caught up.</summary>
    public static bool IsVoter(this RaftHost raft) =>
        !raft.IsNobody() && !(raft.View.Members.ById.TryGetValue(raft.Status.MemberId, out MemberRecord? self) && (self.IsLearner || self.IsPending));

    /// <summary>
    /// Whether this node waits to become a member, or has just become one and does not know its cluster yet. Who leads is a
    /// member, also where an old version did not write down who is.
    /// </summary>
    public static bool IsNobody(this RaftHost raft)
    {
        StoreStatus status = raft.Status;
        return status.MemberId == 0 || (status.Leader != status.MemberId && !raft.View.Members.ById.ContainsKey(status.MemberId));
    }

    /// <summary>Ends the call with this error, if there is one.</summary>
    public static void ThrowIf(EtcdError? error)
    {
        if (error is not null)
        {
            throw error.ToException();
        }
    }
}
