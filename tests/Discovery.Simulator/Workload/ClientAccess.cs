using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Time;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace Discovery.Simulator.Workload;

/// <summary>How clients reach members: calls take time, connections break, and whoever waits too long gives up.</summary>
internal sealed class ClientAccess(Simulation simulation, History history)
{
    private readonly Chance _chance = simulation.ChanceOf("client access");

    /// <summary>Asks a member and records it. Always ends; the outcome may be unknown.</summary>
    public Task<ClientCall> CallAsync(
        int client, SimulatedMember member, IMessage request, Func<MemberServer, Task<IMessage>> ask, TimeSpan timeout)
    {
        var operation = new ClientCall(client, member.Name, request, simulation.Now);
        switch (request)
        {
            case LeaseKeepAliveRequest renewal:
                simulation.Observer.Leases.RenewCalled(renewal.ID);
                break;
            case LeaseRevokeRequest revocation:
                simulation.Observer.Leases.RevokeCalled(revocation.ID);
                break;
        }

        var call = new Call(this, operation, IsJudged(request) ? history.Call(client, request, simulation.Now) : null);
        simulation.Events.After(Latency(), () => Arrive(member, ask, call));
        simulation.Events.After(timeout, () => call.End(Outcome.Unknown, null, null));
        return call.Done;
    }

    /// <summary>The time that a message takes between a client and a member.</summary>
    public TimeSpan Latency() => _chance.Between(TimeSpan.FromMicroseconds(50), TimeSpan.FromMicroseconds(600));

    private void Arrive(SimulatedMember member, Func<MemberServer, Task<IMessage>> ask, Call call)
    {
        if (member.Process is not { IsServing: true } process)
        {
            // Connection refused: it did not get there.
            simulation.Events.After(Latency(), () => call.End(Outcome.Failed, null, EtcdError.Stopped));
            return;
        }

        Action forget = process.WhenEnded(() => simulation.Events.After(Latency(), () => call.End(Outcome.Unknown, null, null)));
        process.Run(() => _ = ServeAsync(process, ask, call, forget));
    }

    private async Task ServeAsync(MemberProcess process, Func<MemberServer, Task<IMessage>> ask, Call call, Action forget)
    {
        try
        {
            IMessage response = await ask(process.Server);
            simulation.Events.After(Latency(), () => call.End(Outcome.Answered, response, null));
        }
        catch (GrpcException e)
        {
            var error = new EtcdError(e.Code, e.Message);
            simulation.Events.After(Latency(), () => call.End(IsCertain(error) ? Outcome.Failed : Outcome.Unknown, null, error));
        }
        catch (Exception e)
        {
            simulation.Stop("a call ends by what no fault explains", e);
        }

        forget();
    }

    /// <summary>Whether the error says that nothing happened and nothing will.</summary>
    private static bool IsCertain(EtcdError error) =>
        error.Code is not (GrpcStatusCode.Unavailable or GrpcStatusCode.Unknown) || error == EtcdError.NoLeader;

    /// <summary>Whether the model of the keyspace knows it.</summary>
    private static bool IsJudged(IMessage request) => request switch
    {
        RangeRequest range => range.Revision == 0,
        PutRequest put => put.Lease == 0,
        DeleteRangeRequest or TxnRequest => true,
        _ => false,
    };

    private void Judge(ClientCall operation)
    {
        Observer observer = simulation.Observer;
        switch (operation.Request, operation.Response)
        {
            case (RangeRequest request, RangeResponse response):
                observer.Reads.Answered(request, response);
                break;
            case (TxnRequest request, TxnResponse response):
                JudgePast(response.Succeeded ? request.Success : request.Failure, response);
                break;
            case (_, LeaseGrantResponse granted):
                observer.Leases.Granted(granted.ID, granted.TTL, operation.Called);
                break;
            case (_, LeaseKeepAliveResponse renewed):
                observer.Leases.Renewed(renewed.ID, renewed.TTL, operation.Called);
                break;
            case (LeaseKeepAliveRequest request, _):
                observer.Leases.RenewUnknown(request.ID);
                break;
        }
    }

    /// <summary>What a transaction read of the past; of the present it is the model that judges.</summary>
    private void JudgePast(RepeatedField<RequestOp> done, TxnResponse response)
    {
        for (int i = 0; i < done.Count; i++)
        {
            if (done[i].RequestRange is { Revision: > 0 } past)
            {
                simulation.Observer.Reads.Answered(past, response.Responses[i].ResponseRange);
            }
        }
    }

    private void Record(ClientCall operation, Operation? judged)
    {
        Judge(operation);
        switch (operation.Outcome)
        {
            case Outcome.Answered:
                simulation.Tally.Add("operations answered");
                Note(judged, one => history.Return(one, operation.Response!, simulation.Now));
                break;
            case Outcome.Failed:
                simulation.Tally.Add("operations failed");
                Note(judged, one => history.Refused(one, simulation.Now));
                break;
            default:
                simulation.Tally.Add("operations of unknown outcome");
                Note(judged, one => history.Unknown(one, simulation.Now));
                break;
        }
    }

    private static void Note(Operation? judged, Action<Operation> note)
    {
        if (judged is not null)
        {
            note(judged);
        }
    }

    /// <summary>A call under way; the first end counts.</summary>
    private sealed class Call(ClientAccess access, ClientCall operation, Operation? judged)
    {
        private readonly TaskCompletionSource<ClientCall> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ClientCall> Done => _done.Task;

        public void End(Outcome outcome, IMessage? response, EtcdError? error)
        {
            if (operation.Outcome == Outcome.Pending)
            {
                (operation.Outcome, operation.Response, operation.Error) = (outcome, response, error);
                operation.Returned = access.Now;
                access.Record(operation, judged);
                _done.SetResult(operation);
            }
        }
    }

    private TimeSpan Now => simulation.Now;
}
