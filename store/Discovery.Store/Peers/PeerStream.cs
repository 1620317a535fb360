using System.Buffers;
using System.Net.Sockets;

namespace Discovery.Store.Peers;

/// <summary>
/// One established connection that we dialed: sends what the queue holds, as much in one call as fits, and notices the
/// other end's death.
/// </summary>
internal sealed class PeerStream(Connected connection, SendQueue queue, PeerCounters counters)
{
    private const int WatcherStackBytes = 256 * 1024;

    private readonly byte[] _buffer = new byte[PeerLimits.SendBytes];
    private volatile string? _end;

    /// <summary>Why the peer closed it, when it said so. Read it after <see cref="Run"/>.</summary>
    public Refused? Farewell { get; private set; }

    /// <summary>
    /// Sends until the connection ends or the queue is closed; returns why. It is the calling thread that sends; another
    /// waits for what comes, which is the end.
    /// </summary>
    public string Run()
    {
        queue.Reset();
        var watcher = new Thread(Watch, WatcherStackBytes) { Name = "peer end", IsBackground = true };
        watcher.Start();
        string? failure = null;
        try
        {
            var batch = new List<Outgoing>();
            while (_end is null && !queue.IsClosed)
            {
                batch.Clear();
                batch = queue.Take(batch);
                SendAll(batch);
            }
        }
        catch (SocketException e)
        {
            failure = e.Message;
        }
        finally
        {
            // The watcher still waits when it was our call that failed.
            SocketSettings.Interrupt(connection.Socket);
            watcher.Join();
            connection.Socket.Dispose();
        }

        return Farewell?.Text ?? failure ?? _end ?? "";
    }

    private void SendAll(List<Outgoing> batch)
    {
        int sent = 0;
        try
        {
            while (sent < batch.Count)
            {
                sent += SendSome(batch, sent);
            }
        }
        finally
        {
            if (sent < batch.Count)
            {
                counters.Dropped(batch.Count - sent);
                queue.Release(batch.Skip(sent).Sum(static outgoing => (long)outgoing.Bytes));
            }
        }
    }

    /// <summary>One call's worth; how many messages that was.</summary>
    private int SendSome(List<Outgoing> batch, int first)
    {
        int end = first;
        int bytes = 0;
        while (end < batch.Count && (end == first || bytes + batch[end].Bytes <= _buffer.Length))
        {
            bytes += batch[end++].Bytes;
        }

        byte[] room = bytes <= _buffer.Length ? _buffer : ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            int at = 0;
            for (int i = first; i < end; i++)
            {
                PeerCodec.Encode(batch[i].Message, room.AsSpan(at, batch[i].Bytes));
                at += batch[i].Bytes;
            }

            connection.Socket.Send(room.AsSpan(0, bytes));
        }
        finally
        {
            if (room != _buffer)
            {
                ArrayPool<byte>.Shared.Return(room);
            }
        }

        queue.Release(bytes);
        counters.Sent(end - first, bytes);
        return end - first;
    }

    private void Watch()
    {
        string end = "the peer closed it";
        try
        {
            var frames = new FrameReader();
            while (Farewell is null && connection.Socket.Receive(frames.Room()) is > 0 and var count)
            {
                frames.Add(count);
                Farewell = HandshakeCodec.TakeFarewell(frames);
            }
        }
        catch (SocketException e)
        {
            end = e.Message;
        }
        catch (PeerFormatException e)
        {
            end = $"it sent what is no farewell: {e.Message}";
        }

        _end = end;
        queue.Interrupt();
    }
}
