using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Discovery.Sidecar.Mirrors;

/// <summary>What a client shows to come back to its session.</summary>
/// <param name="Id">0: none yet, or it has ended.</param>
/// <param name="Password">16 bytes that only its owner knows.</param>
internal sealed record ZookeeperSession(long Id, byte[] Password)
{
    /// <summary>Asks for a new one.</summary>
    public static readonly ZookeeperSession None = new(0, new byte[16]);
}

/// <summary>A node as it was read.</summary>
internal sealed record ZookeeperNode(string Data, int Version, long EphemeralOwner);

/// <summary>
/// One connection to one ZooKeeper server, with the few calls that are needed. Answers come in the order of the requests. It pings by
/// itself; once it is broken it stays so, and says so once.
/// </summary>
internal sealed class ZookeeperConnection : IAsyncDisposable
{
    private const string Closed = "the server closed the connection";
    private const int PingXid = -2;
    private const int FirstSpecialXid = -1;
    private const int AnyVersion = -1;
    private const int AllPermissions = 31;

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly string _server;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly Action _lost;
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly Queue<(int Xid, TaskCompletionSource<JuteReader> Answer)> _waiting = new();
    private readonly Task _reading;
    private readonly Task _pinging;

    private long _lastHeard;
    private int _xid;
    private string? _broken;

    private ZookeeperConnection(
        Socket socket, NetworkStream stream, string server, ZookeeperSession session, TimeSpan timeout, TimeProvider time, Action lost)
    {
        (_socket, _stream, _server, _timeout, _time, _lost) = (socket, stream, server, timeout, time, lost);
        Session = session;
        _lastHeard = time.GetTimestamp();
        _reading = ReadAsync();
        _pinging = PingAsync();
    }

    private enum Operation
    {
        Create = 1,
        Delete = 2,
        GetData = 4,
        SetData = 5,
        Ping = 11,
        Multi = 14,
    }

    /// <summary>The session that the server gave or took back.</summary>
    public ZookeeperSession Session { get; }

    /// <summary>Whether another connection is needed.</summary>
    public bool IsBroken => Volatile.Read(ref _broken) is not null;

    /// <summary>Connects, with the old session when it still lives, else with a new one.</summary>
    /// <param name="server"><c>host:port</c>.</param>
    /// <param name="session">The session to come back to.</param>
    /// <param name="time">Paces the pings.</param>
    /// <param name="lost">Called once when the connection breaks by itself.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="MirrorException">The server is away.</exception>
    public static async Task<ZookeeperConnection> OpenAsync(
        string server, ZookeeperSession session, TimeProvider time, Action lost, CancellationToken cancellation)
    {
        var opened = await TryOpenAsync(server, session, time, lost, cancellation)
            ?? (session.Id == 0 ? null : await TryOpenAsync(server, ZookeeperSession.None, time, lost, cancellation));
        return opened ?? throw new MirrorException($"{server} gave no session");
    }

    /// <summary>The node; null when there is none.</summary>
    public async Task<ZookeeperNode?> GetAsync(string path, CancellationToken cancellation)
    {
        JuteReader answer;
        try
        {
            answer = await AskAsync(Operation.GetData, path, w => w.Text(path).Bool(false), cancellation);
        }
        catch (ZookeeperException e) when (e.Code == ZookeeperCode.NoNode)
        {
            return null;
        }

        string data = Encoding.UTF8.GetString(answer.Buffer());

        // czxid, mzxid, ctime, mtime, version, cversion, aversion, owner.
        for (int i = 0; i < 4; i++)
        {
            answer.Long();
        }

        int version = answer.Int();
        answer.Int();
        answer.Int();
        return new(data, version, answer.Long());
    }

    /// <summary>Makes a node that everybody may change, as registrator's are.</summary>
    /// <exception cref="ZookeeperException">NodeExists, or NoNode when its parent is missing.</exception>
    public Task CreateAsync(string path, string data, bool isEphemeral, CancellationToken cancellation) =>
        AskAsync(Operation.Create, path, w => Create(w, path, data, isEphemeral), cancellation);

    /// <summary>Changes a node's data, whatever version it has.</summary>
    public Task SetAsync(string path, string data, CancellationToken cancellation) =>
        AskAsync(Operation.SetData, path, w => w.Text(path).Text(data).Int(AnyVersion), cancellation);

    /// <summary>Removes a node without children.</summary>
    public Task DeleteAsync(string path, int version, CancellationToken cancellation) =>
        AskAsync(Operation.Delete, path, w => w.Text(path).Int(version), cancellation);

    /// <summary>Removes another session's node and makes ours, in one step.</summary>
    public async Task ReplaceAsync(string path, int version, string data, CancellationToken cancellation)
    {
        JuteReader answer = await AskAsync(
            Operation.Multi,
            path,
            w =>
            {
                Header(w, (int)Operation.Delete, isDone: false).Text(path).Int(version);
                Create(Header(w, (int)Operation.Create, isDone: false), path, data, isEphemeral: true);
                return Header(w, -1, isDone: true);
            },
            cancellation);

        // The first result says it: an error, or the type of what was done.
        int type = answer.Int();
        answer.Bool();
        int error = answer.Int();
        if (type == -1)
        {
            throw new ZookeeperException(ZookeeperCode.NodeExists, $"{path} could not be replaced (error {error})");
        }
    }

    /// <summary>Ends the connection and leaves the session to its timeout, so that a quick return finds its nodes.</summary>
    public async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _broken, _broken ?? "closed");
        await _end.CancelAsync();
        _socket.Dispose();
        await Task.WhenAll(_reading, _pinging).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _stream.DisposeAsync();
        _end.Dispose();
        _sending.Dispose();
    }

    private static async Task<ZookeeperConnection?> TryOpenAsync(
        string server, ZookeeperSession session, TimeProvider time, Action lost, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            int colon = server.LastIndexOf(':');
            using var deadline = new CancellationTokenSource(MirrorLimits.Connect, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
            await socket.ConnectAsync(server[..colon].Trim('[', ']'), int.Parse(server[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture), either.Token);
            var stream = new NetworkStream(socket, ownsSocket: true);

            // Protocol 0, nothing seen yet, timeout, session, password, not read-only.
            byte[] hello = new JuteWriter().Int(0).Long(0).Int((int)MirrorLimits.ZookeeperSession.TotalMilliseconds)
                .Long(session.Id).Buffer(session.Password).Bool(false).Packet();
            await stream.WriteAsync(hello, either.Token);
            JuteReader answer = await PacketAsync(stream, either.Token);
            answer.Int();
            int timeout = answer.Int();
            long id = answer.Long();
            byte[] password = answer.Buffer();
            if (timeout <= 0 || id == 0)
            {
                socket.Dispose();
                return null;
            }

            return new(socket, stream, server, new(id, password), TimeSpan.FromMilliseconds(timeout), time, lost);
        }
        catch (Exception e) when (e is SocketException or IOException or InvalidDataException
            || e is OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            socket.Dispose();
            string problem = e switch
            {
                OperationCanceledException => $"no answer within {MirrorLimits.Connect.TotalSeconds:0} s",
                EndOfStreamException => Closed,
                _ => e.Message,
            };
            throw new MirrorException($"{server}: {problem}", inner: e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<JuteReader> PacketAsync(NetworkStream stream, CancellationToken cancellation)
    {
        byte[] header = new byte[sizeof(int)];
        await stream.ReadExactlyAsync(header, cancellation);
        int length = BinaryPrimitives.ReadInt32BigEndian(header);
        if (length is < 0 or > MirrorLimits.ZookeeperPacket)
        {
            throw new InvalidDataException($"a packet of {length} bytes; that is not ZooKeeper's protocol");
        }

        byte[] packet = new byte[length];
        await stream.ReadExactlyAsync(packet, cancellation);
        return new(packet);
    }

    private static JuteWriter Create(JuteWriter writer, string path, string data, bool isEphemeral) => writer
        .Text(path).Text(data).Int(1).Int(AllPermissions).Text("world").Text("anyone").Int(isEphemeral ? 1 : 0);

    private static JuteWriter Header(JuteWriter writer, int type, bool isDone) => writer.Int(type).Bool(isDone).Int(-1);

    private async Task<JuteReader> AskAsync(Operation operation, string path, Func<JuteWriter, JuteWriter> body, CancellationToken cancellation)
    {
        var answer = new TaskCompletionSource<JuteReader>(TaskCreationOptions.RunContinuationsAsynchronously);
        int xid = Interlocked.Increment(ref _xid) & int.MaxValue;
        await SendAsync(xid, body(new JuteWriter().Int(xid).Int((int)operation)).Packet(), answer, cancellation);
        JuteReader reader;
        try
        {
            reader = await answer.Task.WaitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            // A late answer would be taken for the next one's.
            Break("a request was given up");
            throw;
        }

        ZookeeperCode code;
        try
        {
            code = (ZookeeperCode)reader.Int();
        }
        catch (InvalidDataException e)
        {
            throw new MirrorException($"{_server}: {e.Message}", inner: e);
        }

        if (code == ZookeeperCode.SessionExpired)
        {
            Break("the session has ended");
            throw new MirrorException($"{_server}: the session has ended");
        }

        return code == ZookeeperCode.Ok ? reader : throw new ZookeeperException(code, $"{_server} answered {operation} {path} with {code}");
    }

    private async Task SendAsync(int xid, byte[] packet, TaskCompletionSource<JuteReader>? answer, CancellationToken cancellation)
    {
        await _sending.WaitAsync(cancellation);
        try
        {
            lock (_waiting)
            {
                if (_broken is { } problem)
                {
                    throw new MirrorException($"{_server}: {problem}");
                }

                if (answer is not null)
                {
                    _waiting.Enqueue((xid, answer));
                }
            }

            await _stream.WriteAsync(packet, _end.Token);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException || e is OperationCanceledException && _end.IsCancellationRequested)
        {
            Break(e.Message);
            throw new MirrorException($"{_server}: {e.Message}", inner: e);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                JuteReader packet = await PacketAsync(_stream, _end.Token);
                Volatile.Write(ref _lastHeard, _time.GetTimestamp());
                int xid = packet.Int();
                packet.Long();
                if (xid <= FirstSpecialXid)
                {
                    continue;
                }

                (int Xid, TaskCompletionSource<JuteReader> Answer) first;
                lock (_waiting)
                {
                    if (!_waiting.TryDequeue(out first) || first.Xid != xid)
                    {
                        throw new InvalidDataException($"an answer to request {xid} came out of turn");
                    }
                }

                first.Answer.TrySetResult(packet);
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            Break(e is EndOfStreamException ? Closed : e.Message);
        }
    }

    private async Task PingAsync()
    {
        try
        {
            using var beat = new PeriodicTimer(_timeout / 3, _time);
            while (await beat.WaitForNextTickAsync(_end.Token))
            {
                if (_time.GetElapsedTime(Volatile.Read(ref _lastHeard)) > _timeout * 2 / 3)
                {
                    Break($"nothing heard for {_timeout.TotalSeconds * 2 / 3:0} s");
                    return;
                }

                await SendAsync(PingXid, new JuteWriter().Int(PingXid).Int((int)Operation.Ping).Packet(), null, _end.Token);
            }
        }
        catch (Exception e) when (e is MirrorException or OperationCanceledException or ObjectDisposedException)
        {
            // Broken or closed; whoever found out has said so.
        }
    }

    private void Break(string problem)
    {
        bool isFirst;
        (int, TaskCompletionSource<JuteReader> Answer)[] waiting;
        lock (_waiting)
        {
            isFirst = _broken is null;
            _broken ??= problem;
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        _socket.Dispose();
        foreach ((_, TaskCompletionSource<JuteReader> answer) in waiting)
        {
            answer.TrySetException(new MirrorException($"{_server}: {problem}"));
        }

        if (isFirst)
        {
            _lost();
        }
    }
}
