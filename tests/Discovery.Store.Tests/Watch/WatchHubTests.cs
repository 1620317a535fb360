using System.Threading.Channels;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Api;
using Discovery.Store.Consensus;
using Discovery.Store.Keyspace;
using Discovery.Store.Tests.Keyspace;
using Discovery.Store.Watch;

namespace Discovery.Store.Tests.Watch;

/// <summary>A hub over views that a test makes: what a member publishes when it takes a snapshot over.</summary>
public sealed class WatchHubTests
{
    [Fact]
    public async Task Watch_that_waits_for_a_revision_gets_it_from_a_snapshot_whose_history_begins_before_it()
    {
        KeyspaceDriver behind = WithPuts(upTo: 10);
        KeyspaceDriver ahead = WithPuts(upTo: 60);
        ahead.Compact(30);
        while (ahead.State.HasTrimming)
        {
            ahead.State.Trim(1000);
        }

        KeyspaceView view = behind.View;
        await using var hub = new WatchHub(() => view);
        using var leaving = new CancellationTokenSource();
        var client = new Client();
        var headers = new ResponseHeaders(() => view, () => new StoreStatus(1, 1, 1, 1, 1, 1, 1));
        Task serving = new WatchStream(hub, headers, new WatchSettings(TimeProvider.System, TimeSpan.FromHours(1), 1024)).RunAsync(client, leaving.Token);
        client.Create(start: 36);
        WatchResponse created = await client.NextAsync();

        view = ahead.View;
        hub.OnViewChanged(view);
        WatchResponse told = await client.NextAsync();

        Assert.Equal((true, 10), (created.Created, created.Header.Revision));
        Assert.Equal(Enumerable.Range(36, 25).Select(static i => (long)i), told.Events.Select(static one => one.Kv.ModRevision));
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
    }

    /// <summary>Revision 1 is the empty keyspace.</summary>
    private static KeyspaceDriver WithPuts(int upTo)
    {
        var driver = new KeyspaceDriver();
        for (int revision = 2; revision <= upTo; revision++)
        {
            driver.Put("a", $"{revision}");
        }

        return driver;
    }

    private sealed class Client : IWatchTransport
    {
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

        private readonly Channel<WatchRequest> _requests = Channel.CreateUnbounded<WatchRequest>();
        private readonly Channel<WatchResponse> _responses = Channel.CreateUnbounded<WatchResponse>();

        public void Create(long start) => Assert.True(_requests.Writer.TryWrite(
            new WatchRequest { CreateRequest = new WatchCreateRequest { Key = KeyspaceDriver.Bytes("a"), StartRevision = start } }));

        public Task<WatchResponse> NextAsync() => _responses.Reader.ReadAsync().AsTask().WaitAsync(Patience);

        async ValueTask<WatchRequest?> IWatchTransport.ReadAsync(CancellationToken cancellation) => await _requests.Reader.ReadAsync(cancellation);

        void IWatchTransport.Write(WatchResponse response) => Assert.True(_responses.Writer.TryWrite(response));

        ValueTask IWatchTransport.FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;
    }
}
