using System.Threading.Channels;
using Discovery.EtcdApi.Grpc;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;

namespace Discovery.Store.Tests.Watch;

/// <summary>One watch stream as a test drives it: requests by hand, answers one at a time.</summary>
public sealed class TestWatch : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<IMessage> _requests = Channel.CreateUnbounded<IMessage>();
    private readonly CancellationTokenSource _ended = new();
    private readonly IAsyncEnumerator<WatchResponse> _answers;

    private TestWatch(GrpcChannel channel) => _answers = channel.StreamAsync(
        "/etcdserverpb.Watch/Watch",
        _requests.Reader.ReadAllAsync(_ended.Token),
        WatchResponse.Parser,
        token: null,
        _ended.Token).GetAsyncEnumerator(_ended.Token);

    public static TestWatch On(GrpcChannel channel) => new(channel);

    public void Send(WatchRequest request) => Assert.True(_requests.Writer.TryWrite(request));

    public void Create(WatchCreateRequest request) => Send(new() { CreateRequest = request });

    /// <summary>Creates a watch and takes the answer to that.</summary>
    public async Task<WatchResponse> CreateAsync(WatchCreateRequest request)
    {
        Create(request);
        WatchResponse created = await NextAsync();
        Assert.True(created.Created);
        return created;
    }

    public void Cancel(long id) => Send(new() { CancelRequest = new() { WatchId = id } });

    public void AskProgress() => Send(new() { ProgressRequest = new() });

    /// <summary>The client will send no more, and still listens.</summary>
    public void FinishSending() => _requests.Writer.Complete();

    public async Task<WatchResponse> NextAsync()
    {
        Assert.True(await _answers.MoveNextAsync().AsTask().WaitAsync(Patience), "the stream ended");
        return _answers.Current;
    }

    /// <summary>Answers until this many events have come, as "PUT key=value@revision".</summary>
    public async Task<List<string>> EventsAsync(int count)
    {
        var events = new List<string>();
        while (events.Count < count)
        {
            events.AddRange((await NextAsync()).Events.Select(Text));
        }

        return events;
    }

    public static string Text(Event one) => one.Type == Event.Types.EventType.Put
        ? $"PUT {one.Kv.Key.ToStringUtf8()}={one.Kv.Value.ToStringUtf8()}@{one.Kv.ModRevision}"
        : $"DELETE {one.Kv.Key.ToStringUtf8()}@{one.Kv.ModRevision}";

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        try
        {
            await _answers.DisposeAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or NotSupportedException)
        {
            // A read that is still waiting cannot be disposed of; the token has ended it.
        }

        _ended.Dispose();
    }
}
