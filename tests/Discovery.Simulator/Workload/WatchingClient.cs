using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Cluster;
using Discovery.Simulator.Report;
using Discovery.Simulator.Time;

namespace Discovery.Simulator.Workload;

/// <summary>
/// A client that watches, hangs up now and then, and goes on at another member from where it was; when that is compacted
/// it begins anew.
/// </summary>
internal sealed class WatchingClient(
    Simulation simulation, ClientAccess access, ClientRecords records, Func<IReadOnlyList<SimulatedMember>> members, WorkloadPlan plan, int id)
{
    private readonly Chance _chance = simulation.ChanceOf($"watcher {id}");

    /// <summary>Watches until the end; its last watch stays open.</summary>
    public async Task RunAsync(CancellationToken enough)
    {
        WatchRecord? last = null;
        while (true)
        {
            last = await WatchOnceAsync(last, enough);
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

    /// <summary>One watch until it breaks; null when the next one begins anew.</summary>
    private async Task<WatchRecord?> WatchOnceAsync(WatchRecord? last, CancellationToken enough)
    {
        WatchCreateRequest request = last is null ? NewRequest() : last.Request.Clone();
        request.StartRevision = last?.Next ?? request.StartRevision;
        SimulatedMember member = _chance.Pick(members());
        var record = new WatchRecord(id, member.Name, request, simulation.Now) { Resumes = last, IsOpen = true };
        records.Watches.Add(record);
        WatchConnection connection = WatchConnection.Open(simulation, access, member);
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

        AskForProgress(connection);
        bool isCompacted = await ReadAllAsync(connection, record);
        record.IsOpen = false;
        return isCompacted ? null : record;
    }

    private void AskForProgress(WatchConnection connection)
    {
        if (_chance.Happens(0.3))
        {
            simulation.Events.After(
                _chance.Around(TimeSpan.FromSeconds(3)), () => connection.Send(new WatchRequest { ProgressRequest = new WatchProgressRequest() }));
        }
    }

    /// <summary>Reads to the end of the connection; true when the watch cannot go on from where it was.</summary>
    private async Task<bool> ReadAllAsync(WatchConnection connection, WatchRecord record)
    {
        while (await connection.Responses.WaitToReadAsync())
        {
            while (connection.Responses.TryRead(out WatchResponse? response))
            {
                record.Responses.Add((simulation.Now, response));
                simulation.Trace.Add(TraceKind.Watch, $"c{id}", response.Header.Revision, response.Events.Count);
                simulation.Tally.Add("events watched", response.Events.Count);
                if (response.Canceled)
                {
                    connection.Break();
                    return response.CompactRevision > 0;
                }

                // A part of an answer is not all of its last revision yet; its header is all that counts.
                record.Next = response.Fragment ? record.Next : Math.Max(record.Next, response.Header.Revision + 1);
            }
        }

        return false;
    }
}
