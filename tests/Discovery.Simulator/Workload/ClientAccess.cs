using Discovery.EtcdApi;
using Discovery.EtcdApi.Grpc;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;
using Google.Protobuf;

namespace Discovery.Simulator.Workload;

/// <summary>How clients reach members: calls take time, connections break, and whoever waits too long gives up.</summary>
internal sealed class ClientAccess(Simulation simulation, ClientRecords records)
{
    private readonly Chance _chance = simulation.ChanceOf("client access");

    /// <summary>Asks a member and records it. Always ends; the outcome may be unknown.</summary>
    public Task<ClientCall> CallAsync(
        int client, SimulatedMember member, IMessage request, Func<MemberServer, Task<IMessage>> ask, TimeSpan timeout)
    {
        var operation = new ClientCall(client, member.Name, request, simulation.Now);
        records.Calls.Add(operation);
        var call = new Call(this, operation);
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
            simulation.Violate(new ViolationException($"a call ended by what no fault explains: {e.Message}", e));
        }

        forget();
    }

    /// <summary>Whether the error says that nothing happened and nothing will.</summary>
    private static bool IsCertain(EtcdError error) =>
        error.Code is not (GrpcStatusCode.Unavailable or GrpcStatusCode.Unknown) || error == EtcdError.NoLeader;

    private void Record(ClientCall operation)
    {
        simulation.Tally.Add(operation.Outcome switch
        {
            Outcome.Answered => "operations answered",
            Outcome.Failed => "operations failed",
            _ => "operations of unknown outcome",
        });
    }

    /// <summary>A call under way; the first end counts.</summary>
    private sealed class Call(ClientAccess access, ClientCall operation)
    {
        private readonly TaskCompletionSource<ClientCall> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ClientCall> Done => _done.Task;

        public void End(Outcome outcome, IMessage? response, EtcdError? error)
        {
            if (operation.Outcome == Outcome.Pending)
            {
                (operation.Outcome, operation.Response, operation.Error) = (outcome, response, error);
                operation.Returned = access.Now;
                access.Record(operation);
                _done.SetResult(operation);
            }
        }
    }

    private TimeSpan Now => simulation.Now;
}
