using System.Collections.Concurrent;
using System.Threading.Channels;
using Discovery.Sidecar.Checks;
using Discovery.Sidecar.Docker;

namespace Discovery.Sidecar.Registration;

/// <summary>What can happen to the loop.</summary>
internal abstract record Notice
{
    /// <summary>The engine answers, and sends hints from now on.</summary>
    internal sealed record EngineUp : Notice;

    /// <summary>The engine does not answer.</summary>
    internal sealed record EngineDown(string Problem) : Notice;

    /// <summary>Something happened to this container.</summary>
    internal sealed record LookAt(string Id) : Notice;

    /// <summary>Anything may have happened.</summary>
    internal sealed record LookAtAll : Notice;

    /// <summary>The answer to a list: who is there, and which host this is; or why that is not known.</summary>
    internal sealed record Listed(HostIdentity? Host, IReadOnlyCollection<string> Ids, string? Problem) : Notice;

    /// <summary>The answer to an inspection: the container, null when it is gone; or why that is not known.</summary>
    internal sealed record Inspected(string Id, Container? Container, string? Problem) : Notice;

    /// <summary>Own checks have said something else than before (<see cref="LoopInbox.TakeChanges"/>).</summary>
    internal sealed record ChecksChanged : Notice;

    /// <summary>The store must be asked again what it holds: it is back, our lease has ended, or a wait is over.</summary>
    internal sealed record StoreChanged : Notice;

    /// <summary>The store does not answer.</summary>
    internal sealed record StoreDown(string Problem) : Notice;
}

/// <summary>
/// The one way into the loop; anyone may call. Hints stop short of the channel's end, so that answers, of which only
/// a bounded number can be under way, always find room.
/// </summary>
internal sealed class LoopInbox
{
    private const int RoomForAnswers = 256;

    private readonly Channel<Notice> _channel = Channel.CreateBounded<Notice>(
        new BoundedChannelOptions(Limits.Inbox + RoomForAnswers) { SingleReader = true });

    // At most one of a check at a time matters; there are as many as containers ask for.
    private readonly ConcurrentQueue<CheckChange> _changes = new();
    private int _overflowed;
    private int _changed;

    /// <summary>The loop's end.</summary>
    public ChannelReader<Notice> Reader => _channel.Reader;

    /// <summary>A hint about one container; when there are too many, everything is looked at instead.</summary>
    public void Hint(string containerId)
    {
        if (_channel.Reader.Count >= Limits.Inbox || !_channel.Writer.TryWrite(new Notice.LookAt(containerId)))
        {
            Interlocked.Exchange(ref _overflowed, 1);
        }
    }

    /// <summary>Anything but a hint.</summary>
    public void Post(Notice notice)
    {
        if (!_channel.Writer.TryWrite(notice))
        {
            throw new InvalidOperationException($"more answers than questions: there is no room for {notice}");
        }
    }

    /// <summary>A check has changed. Where there is no room for the notice, the loop is awake anyway.</summary>
    public void Change(CheckChange change)
    {
        _changes.Enqueue(change);
        if (Interlocked.Exchange(ref _changed, 1) == 0 && !_channel.Writer.TryWrite(new Notice.ChecksChanged()))
        {
            Interlocked.Exchange(ref _changed, 0);
        }
    }

    /// <summary>What checks have said since the last call.</summary>
    public IEnumerable<CheckChange> TakeChanges()
    {
        Interlocked.Exchange(ref _changed, 0);
        while (_changes.TryDequeue(out CheckChange? change))
        {
            yield return change;
        }
    }

    /// <summary>Whether hints were dropped since the last call. The channel is not empty then, so the loop is awake.</summary>
    public bool TakeOverflow() => Interlocked.Exchange(ref _overflowed, 0) == 1;
}
