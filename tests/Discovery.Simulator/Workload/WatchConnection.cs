using System.Threading.Channels;
using Discovery.EtcdApi.Messages;
using Discovery.Simulator.Cluster;
using Discovery.Store.Watch;

namespace Discovery.Simulator.Workload;

/// <summary>
/// A watch stream between a client and a member: what is sent arrives later and in order, until the connection breaks.
/// </summary>
internal sealed class WatchConnection : IWatchTransport
{
    private readonly Simulation _simulation;
    private readonly ClientAccess _access;
    private readonly TimeSpan _pause;
    private readonly Channel<WatchRequest> _requests = Channel.CreateUnbounded<WatchRequest>();
    private readonly Channel<WatchResponse> _responses = Channel.CreateUnbounded<WatchResponse>();
    private readonly CancellationTokenSource _ending = new();
    private readonly List<WatchResponse> _written = [];
    private TimeSpan _lastToMember;
    private TimeSpan _lastToClient;
    private bool _isBroken;

    private WatchConnection(Simulation simulation, ClientAccess access, TimeSpan pause) =>
        (_simulation, _access, _pause) = (simulation, access, pause);

    /// <summary>Whether nothing arrives any more.</summary>
    public bool IsBroken => _isBroken;

    /// <summary>What the member sent, as it arrives; completed when the connection breaks.</summary>
    public ChannelReader<WatchResponse> Responses => _responses.Reader;

    /// <summary>Connects; who is not there looks like a connection that breaks.</summary>
    /// <param name="simulation">When.</param>
    /// <param name="access">How.</param>
    /// <param name="member">Who serves.</param>
    /// <param name="pause">How long the client takes to read what was sent; until then the member sends no more.</param>
    public static WatchConnection Open(Simulation simulation, ClientAccess access, SimulatedMember member, TimeSpan pause)
    {
        var connection = new WatchConnection(simulation, access, pause);
        simulation.Events.After(access.Latency(), () => connection.Accept(member));
        return connection;
    }

    public void Send(WatchRequest request) =>
        Deliver(ref _lastToMember, () => _ = _requests.Writer.TryWrite(request));

    /// <summary>The client hangs up, or the network cuts it off.</summary>
    public void Break()
    {
        if (!_isBroken)
        {
            _isBroken = true;
            _ = _responses.Writer.TryComplete();
            Deliver(ref _lastToMember, _ending.Cancel);
        }
    }

    async ValueTask<WatchRequest?> IWatchTransport.ReadAsync(CancellationToken cancellation) =>
        await _requests.Reader.ReadAsync(cancellation);

    void IWatchTransport.Write(WatchResponse response) => _written.Add(response);

    ValueTask IWatchTransport.FlushAsync(CancellationToken cancellation)
    {
        foreach (WatchResponse response in _written)
        {
            Deliver(ref _lastToClient, () => _ = _responses.Writer.TryWrite(response));
        }

        _written.Clear();
        return _pause > TimeSpan.Zero ? new ValueTask(_simulation.WaitAsync(_pause)) : ValueTask.CompletedTask;
    }

    private void Accept(SimulatedMember member)
    {
        if (member.Process is not { IsServing: true } process || _isBroken)
        {
            Break();
            return;
        }

        Action forget = process.WhenEnded(() => Deliver(ref _lastToClient, Break));
        process.Run(() => _ = ServeAsync(process, forget));
    }

    private async Task ServeAsync(MemberProcess process, Action forget)
    {
        try
        {
            await process.Server.WatchAsync(this, _ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The client has left.
        }
        catch (Exception e)
        {
            _simulation.Stop("a watch stream ends by what no fault explains", e);
        }

        forget();
    }

    private void Deliver(ref TimeSpan last, Action arrive)
    {
        // In order, as TCP has it.
        TimeSpan at = _simulation.Now + _access.Latency();
        last = at > last ? at : last;
        _simulation.Events.At(last, arrive);
    }
}
