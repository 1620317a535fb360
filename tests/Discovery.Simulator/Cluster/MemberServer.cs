using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Discovery.Store.Watch;
using Google.Protobuf;

namespace Discovery.Simulator.Cluster;

/// <summary>
/// What a member answers to clients: the services' and <see cref="RaftHost"/>'s few lines around <see cref="Replica"/>,
/// without gRPC and threads. Each call runs in the process and dies with it.
/// </summary>
internal sealed class MemberServer(MemberProcess process)
{
    /// <summary>A write, or whatever else goes through the log.</summary>
    public async Task<IMessage> DecideAsync(CommandKind kind, IMessage request)
    {
        if (process.Replica.Admit(new Command(kind, request), process.IsDiskFull, out EtcdError? refused) is not { } proposal)
        {
            throw refused!.ToException();
        }

        process.Enter(proposal);
        CommandResult result = await proposal.Answer;
        ThrowIf(result.Error);
        return result.Response!;
    }

    public async Task<IMessage> RangeAsync(RangeRequest request)
    {
        if (!request.Serializable)
        {
            await CatchUpAsync();
        }

        return process.Replica.View.Range(request);
    }

    public async Task<IMessage> RenewAsync(LeaseKeepAliveRequest request)
    {
        var renewal = new LeaseRequest(request.ID, renew: true);
        process.Enter(renewal);
        return new LeaseKeepAliveResponse { ID = request.ID, TTL = await renewal.Answer, Header = process.Headers.Now() };
    }

    public async Task<IMessage> TimeToLiveAsync(LeaseTimeToLiveRequest request)
    {
        await CatchUpAsync();
        KeyspaceView view = process.Replica.View;
        var response = new LeaseTimeToLiveResponse { Header = process.Headers.At(view.Revision), ID = request.ID, TTL = -1 };
        if (view.TryGetLease(request.ID, out LeaseView? lease))
        {
            var question = new LeaseRequest(request.ID, renew: false);
            process.Enter(question);
            response.TTL = await question.Answer;
            response.GrantedTTL = lease.GrantedTtl;
            response.Keys.AddRange(request.Keys ? lease.Keys : []);
        }

        return response;
    }

    public async Task<IMessage> MoveLeaderAsync(MoveLeaderRequest request)
    {
        var handover = new Handover(request.TargetID);
        process.Enter(handover);
        ThrowIf(await handover.Answer);
        return new MoveLeaderResponse { Header = process.Headers.Now() };
    }

    /// <summary>Serves a watch stream until its transport or the process ends.</summary>
    public Task WatchAsync(IWatchTransport transport, CancellationToken cancellation) =>
        new WatchStream(process.Hub, process.Headers, process.WatchSettings).RunAsync(transport, cancellation);

    private async Task CatchUpAsync()
    {
        if (process.Replica.IsViewLinearizable)
        {
            return;
        }

        var barrier = new ReadBarrier();
        process.Enter(barrier);
        ThrowIf(await barrier.Answer);
    }

    private static void ThrowIf(EtcdError? error)
    {
        if (error is not null)
        {
            throw error.ToException();
        }
    }
}
