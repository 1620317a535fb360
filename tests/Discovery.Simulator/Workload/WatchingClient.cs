using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Checks;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Workload;

/// <summary>
/// A client that watches, hangs up now and then, and goes on at another member from where it was; when that is compacted
/// it begins anew.
/// </summary>
internal sealed class WatchingClient(
    Simulation simulation, ClientAccess access, WatchLedger ledger, Func<IReadOnlyList<SimulatedMember>> members, WorkloadPlan plan, int id)
{
    private readonly Chance _chance = simulation.ChanceOf($"watcher {id}");

    /// <summary>Watches until the end; its last watch stays open.</summary>
    public async Task RunAsync(CancellationToken enough)
    {
        WatchCreateRequest request = NewRequest();
        while (true)
        {
            WatchCheck watch = await WatchOnceAsync(request, enough);
            request = watch.IsCancelled || watch.Next == 0 ? NewRequest() : request.Clone();
            request.StartRevision = watch.IsCancelled ? 0 : watch.Next;
            await simulation.WaitAsync(_chance.Between(TimeSpan.FromMilliseconds(10), TimeSpan.FromMilliseconds(500)));
        }
    }

    private WatchCreateRequest NewRequest()
    {
        bool single = _chance.Happens(0.3);
        var request = new WatchCreateRequest
        {
            Key = single ? Keys.At(_chance.Below(plan.Groups * Keys.GroupSize)) : Keys.First,
            RangeEnd = single ? Google.Protobuf.ByteString.Empty : Keys.LeasedEnd,
            PrevKv = _chance.Happens(0.5),
            ProgressNotify = _chance.Happens(0.5),
            Fragment = _chance.Happens(0.2),
            StartRevision = _chance.Happens(0.5) ? 1 : 0,
        };
        if (_chance.Happens(0.2))
        {
            request.Filters.Add(_chance.Happens(0.5) ? WatchCreateRequest.Types.FilterType.Noput : WatchCreateRequest.Types.FilterType.Nodelete);
        }

        return request;
    }

    /// <summary>One watch until it breaks or is cancelled.</summary>
    private async Task<WatchCheck> WatchOnceAsync(WatchCreateRequest request, CancellationToken enough)
    {
        SimulatedMember member = _chance.Pick(members());
        long compacted = member.Process is { IsServing: true } process ? process.Replica.View.CompactedRevision : 0;
        var watch = new WatchCheck(
            simulation.Position, simulation.Observer.Truth, $"watch of client {id} at {member.Name} from {request.StartRevision}", request, compacted);
        ledger.Open(watch);
        TimeSpan pause = _chance.Happens(0.2) ? _chance.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(400)) : TimeSpan.Zero;
        WatchConnection connection = WatchConnection.Open(simulation, access, member, pause);
        connection.Send(new WatchRequest { CreateRequest = request });
        if (_chance.Happens(0.8) && !enough.IsCancellationRequested)
        {
            simulation.Events.After(_chance.Around(TimeSpan.FromSeconds(10)), () =>
            {
                if (!enough.IsCancellationRequested)
                {
                    connection.Break();
                }
            });
        }

        if (_chance.Happens(0.3))
        {
            AskForProgress(connection);
        }

        await ReadAllAsync(connection, watch);
        ledger.Close(watch);
        return watch;
    }

    /// <summary>Now and then, as long as it lasts.</summary>
    private void AskForProgress(WatchConnection connection) => simulation.Events.After(_chance.Around(TimeSpan.FromSeconds(1)), () =>
    {
        if (!connection.IsBroken)
        {
            connection.Send(new WatchRequest { ProgressRequest = new WatchProgressRequest() });
            AskForProgress(connection);
        }
    });

    /// <summary>Reads to the end of the connection or of the watch.</summary>
    private async Task ReadAllAsync(WatchConnection connection, WatchCheck watch)
    {
        while (await connection.Responses.WaitToReadAsync())
        {
            while (connection.Responses.TryRead(out WatchResponse? response))
            {
                simulation.Trace.Add(TraceKind.Watch, $"c{id}", response.Header.Revision, response.Events.Count);
                simulation.Tally.Add("events watched", response.Events.Count);
                watch.Received(response);
                if (watch.IsCancelled)
                {
                    connection.Break();
                    return;
                }
            }
        }
    }
}
