using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Store.Api;
using Discovery.Store.Keyspace;
using Google.Protobuf;

namespace Discovery.Store.Watch;

/// <summary>
/// One client's watch stream: many watches, one order of answers. A reader takes requests, a writer sends answers; what
/// is to be sent waits as turns, in the order in which it came up, and the events themselves are read when it is their
/// turn.
/// </summary>
/// <remarks>
/// The queue of turns is bounded although the channel is not: a watch has at most one turn in it, requests at most
/// <see cref="WatchLimits.RequestsWaiting"/>, the clock one. The lock guards the table of watches, which reader and
/// writer share.
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "RunAsync disposes what it makes; the semaphore has no handle.")]
internal sealed class WatchStream(WatchHub hub, ResponseHeaders headers, WatchSettings settings)
{
    /// <summary>What <c>watch_id</c> says when there is no watch to name.</summary>
    private const long NoWatch = -1;

    private static readonly ByteString SmallestKey = ByteString.CopyFrom(0);

    private readonly Channel<Turn> _turns = Channel.CreateUnbounded<Turn>(new() { SingleReader = true });
    private readonly SemaphoreSlim _requests = new(WatchLimits.RequestsWaiting);
    private readonly Lock _gate = new();
    private readonly Dictionary<long, Watcher> _watchers = [];
    private long _nextId;
    private int _behind;
    private int _noticeWaiting;
    private ITimer? _notices;

    /// <summary>Gives the watch a turn. Called by the hub, under its lock: never waits.</summary>
    public void Wake(Watcher watcher) => _turns.Writer.TryWrite(new(TurnKind.Events, watcher));

    /// <summary>Serves the stream until the client leaves or the token ends it.</summary>
    public async Task RunAsync(IWatchTransport transport, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task reading = ReadAsync(transport, either.Token);
        Task writing = WriteAsync(transport, either.Token);
        try
        {
            // A client that sends no more still listens: only a failed read ends the stream.
            Task first = await Task.WhenAny(reading, writing);
            await first;
            await writing;
        }
        finally
        {
            // Not CancelAsync: what ends by it goes on where it was awaited, and the simulator drives all of that.
            either.Cancel();
            await Task.WhenAll(reading, writing)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            await End();
        }
    }

    private async Task ReadAsync(IWatchTransport transport, CancellationToken cancellation)
    {
        await _requests.WaitAsync(cancellation);
        while (await transport.ReadAsync(cancellation) is { } request)
        {
            if (!Handle(request))
            {
                _ = _requests.Release();
            }

            await _requests.WaitAsync(cancellation);
        }
    }

    /// <summary>Handles a request; false when it has no answer.</summary>
    private bool Handle(WatchRequest request)
    {
        switch (request.RequestUnionCase)
        {
            case WatchRequest.RequestUnionOneofCase.CreateRequest:
                Create(request.CreateRequest);
                return true;
            case WatchRequest.RequestUnionOneofCase.CancelRequest:
                return Cancel(request.CancelRequest.WatchId);
            case WatchRequest.RequestUnionOneofCase.ProgressRequest:
                return _turns.Writer.TryWrite(new(TurnKind.Progress, Revision: hub.CatchUp()));
            default:
                return false;
        }
    }

    private void Create(WatchCreateRequest request)
    {
        KeyRange range = new(request.Key.IsEmpty ? SmallestKey : request.Key, request.RangeEnd);
        Watcher? watcher = null;
        string? refusal = range.IsEmpty ? "mvcc: watcher range is empty"
            : request.StartRevision < 0 ? EtcdError.Compacted.Text
            : Register(range, request, out watcher);
        if (watcher is null)
        {
            Answer(new()
            {
                Header = headers.At(hub.CatchUp()),
                WatchId = NoWatch,
                Created = true,
                Canceled = true,
                CancelReason = refusal,
            });
            return;
        }

        hub.Add(watcher, onAdded: view => OnAdded(watcher, view));
        if (watcher.WantsProgress)
        {
            _notices ??= StartNotices();
        }
    }

    private void OnAdded(Watcher watcher, KeyspaceView view)
    {
        // Clients resume from this revision on, so it is the one that the watch begins after.
        Answer(new() { Header = headers.At(view.Revision), WatchId = watcher.Id, Created = true });
        if (watcher.StartRevision > 0 && watcher.StartRevision < view.CompactedRevision)
        {
            Forget(watcher);
            _ = _turns.Writer.TryWrite(new(TurnKind.Remark, Response: CompactedAnswer(watcher, view)));
        }
    }

    /// <summary>Enters a watch under its id; else says why not.</summary>
    private string? Register(KeyRange range, WatchCreateRequest request, out Watcher? watcher)
    {
        watcher = null;
        lock (_gate)
        {
            if (_watchers.Count >= WatchLimits.WatchersPerStream)
            {
                return $"etcdserver: too many watches on one stream (at most {WatchLimits.WatchersPerStream})";
            }

            long id = request.WatchId;
            if (id == 0)
            {
                while (_watchers.ContainsKey(_nextId))
                {
                    _nextId++;
                }

                id = _nextId++;
            }
            else if (_watchers.ContainsKey(id))
            {
                return "mvcc: duplicate watch ID provided on the WatchStream";
            }

            watcher = new(id, range, request, this);
            _watchers.Add(id, watcher);
            return null;
        }
    }

    private bool Cancel(long id)
    {
        Watcher? watcher;
        lock (_gate)
        {
            if (!_watchers.TryGetValue(id, out watcher))
            {
                return false;
            }
        }

        Remove(watcher);
        Answer(new() { Header = headers.At(hub.CatchUp()), WatchId = id, Canceled = true });
        return true;
    }

    private void Answer(WatchResponse response) => _turns.Writer.TryWrite(new(TurnKind.Answer, Response: response));

    private void Remove(Watcher watcher)
    {
        if (watcher.End())
        {
            hub.Remove(watcher);
            Forget(watcher);
        }
    }

    private void Forget(Watcher watcher)
    {
        lock (_gate)
        {
            _ = _watchers.Remove(watcher.Id);
        }
    }

    private WatchResponse CompactedAnswer(Watcher watcher, KeyspaceView view) => new()
    {
        Header = headers.At(view.Revision),
        WatchId = watcher.Id,
        Canceled = true,
        CompactRevision = view.CompactedRevision,
    };

    private async Task WriteAsync(IWatchTransport transport, CancellationToken cancellation)
    {
        while (await _turns.Reader.WaitToReadAsync(cancellation))
        {
            int unsent = 0;
            while (_turns.Reader.TryRead(out Turn turn))
            {
                unsent += Do(transport, turn);
                if (unsent >= WatchLimits.BytesPerFlush)
                {
                    await transport.FlushAsync(cancellation);
                    unsent = 0;
                }
            }

            await transport.FlushAsync(cancellation);
        }
    }

    /// <summary>Does one turn; says how many bytes it wrote.</summary>
    private int Do(IWatchTransport transport, Turn turn)
    {
        switch (turn.Kind)
        {
            case TurnKind.Answer:
                _ = _requests.Release();
                return Write(transport, turn.Response!);
            case TurnKind.Remark:
                return Write(transport, turn.Response!);
            case TurnKind.Events:
                return WriteEvents(transport, turn.Watcher!);
            case TurnKind.Progress:
                return WriteProgress(transport, turn);
            case TurnKind.Notice:
                Volatile.Write(ref _noticeWaiting, 0);
                return WriteNotices(transport, turn.Revision);
            default:
                throw new InvalidOperationException($"no such turn: {turn.Kind}");
        }
    }

    private static int Write(IWatchTransport transport, WatchResponse response)
    {
        transport.Write(response);
        return response.CalculateSize();
    }

    private int WriteEvents(IWatchTransport transport, Watcher watcher)
    {
        if (watcher.IsBehind)
        {
            watcher.IsBehind = false;
            _behind--;
        }

        long from = watcher.Take();
        KeyspaceView view = hub.View;
        if (from == 0 || from > view.Revision)
        {
            return 0;
        }

        if (from < view.OldestHeldRevision)
        {
            Remove(watcher);
            return Write(transport, CompactedAnswer(watcher, view));
        }

        WatchResponse response = WatchBatch.Read(view, watcher, from, out long next);
        if (next > view.Revision)
        {
            watcher.Advance(next);
        }
        else
        {
            watcher.IsBehind = true;
            _behind++;
            if (watcher.Resume(next))
            {
                Wake(watcher);
            }
        }

        if (response.Events.Count == 0)
        {
            return 0;
        }

        // Everything up to here was shown to this watch, and that is what the header promises.
        response.Header = headers.At(next - 1);
        watcher.Active = true;
        int written = 0;
        foreach (WatchResponse part in watcher.WantsFragments ? WatchBatch.Split(response, settings.FragmentBytes) : [response])
        {
            written += Write(transport, part);
        }

        return written;
    }

    /// <summary>
    /// Answers "how far is this stream" once every watch has been shown all up to there. As in etcd there is no answer
    /// when the stream has no watch, or one that begins later.
    /// </summary>
    private int WriteProgress(IWatchTransport transport, Turn turn)
    {
        if (_behind > 0)
        {
            _ = _turns.Writer.TryWrite(turn);
            return 0;
        }

        _ = _requests.Release();
        lock (_gate)
        {
            if (_watchers.Count == 0 || _watchers.Values.Any(watcher => watcher.StartRevision > turn.Revision))
            {
                return 0;
            }
        }

        return Write(transport, new() { Header = headers.At(turn.Revision), WatchId = NoWatch });
    }

    private int WriteNotices(IWatchTransport transport, long revision)
    {
        Watcher[] idle;
        lock (_gate)
        {
            idle = [.. _watchers.Values.Where(static watcher => watcher is { WantsProgress: true, IsBehind: false, Active: false })];
            foreach (Watcher watcher in _watchers.Values)
            {
                watcher.Active = false;
            }
        }

        int written = 0;
        foreach (Watcher watcher in idle)
        {
            written += Write(transport, new() { Header = headers.At(revision), WatchId = watcher.Id });
        }

        return written;
    }

    private ITimer StartNotices() => settings.Time.CreateTimer(
        static stream => ((WatchStream)stream!).OnNotice(),
        this,
        settings.ProgressInterval,
        settings.ProgressInterval);

    private void OnNotice()
    {
        if (Interlocked.Exchange(ref _noticeWaiting, 1) == 0)
        {
            _ = _turns.Writer.TryWrite(new(TurnKind.Notice, Revision: hub.CatchUp()));
        }
    }

    private async ValueTask End()
    {
        if (_notices is not null)
        {
            await _notices.DisposeAsync();
        }

        Watcher[] all;
        lock (_gate)
        {
            all = [.. _watchers.Values];
        }

        foreach (Watcher watcher in all)
        {
            Remove(watcher);
        }
    }

    private enum TurnKind
    {
        Answer,
        Remark,
        Events,
        Progress,
        Notice,
    }

    /// <summary>One thing to be written: an answer, the next events of a watch, or how far the stream is.</summary>
    private readonly record struct Turn(TurnKind Kind, Watcher? Watcher = null, WatchResponse? Response = null, long Revision = 0);
}

/// <summary>What all streams of a server share.</summary>
/// <param name="Time">The clock of the progress notices.</param>
/// <param name="ProgressInterval">Time between progress notices.</param>
/// <param name="FragmentBytes">Size from which an answer is split for clients that asked for it.</param>
internal sealed record WatchSettings(TimeProvider Time, TimeSpan ProgressInterval, int FragmentBytes);
