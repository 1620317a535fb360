using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Discovery.Testing;

/// <summary>What a <see cref="FaultRelay"/> does with bytes.</summary>
public enum RelayMode
{
    /// <summary>Bytes go through.</summary>
    Open,

    /// <summary>Connections are accepted and kept, and nothing goes through, as if every packet were lost.</summary>
    Hold,

    /// <summary>Connections are reset, and new ones too, as if the host refused them.</summary>
    Cut,
}

/// <summary>
/// A TCP relay on loopback before a member's peer port. What others dial to the member can be held, cut or delayed; what the
/// member dials itself goes through the others' relays. True one-way and pairwise partitions need a <see cref="ClusterNetwork"/>.
/// </summary>
public sealed class FaultRelay : IAsyncDisposable
{
    /// <summary>Bytes taken at once; a peer's batch is larger and is passed on in parts.</summary>
    private const int BufferBytes = 64 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Socket, bool> _sockets = [];
    private readonly Task _accepting;
    private volatile TaskCompletionSource _open = NewGate(isOpen: true);
    private volatile RelayMode _mode;
    private long _delayTicks;

    /// <param name="target">The loopback port that the member listens on, now or later.</param>
    public FaultRelay(int target)
    {
        _target = target;
        _listener.Server.NoDelay = true;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>What the member advertises.</summary>
    public int Port { get; }

    /// <summary>What happens now.</summary>
    public RelayMode Mode => _mode;

    /// <summary>Whether any byte has gone through.</summary>
    public bool HasPassed { get; private set; }

    /// <summary>How long each part waits before it is passed on, either way; zero at first.</summary>
    public TimeSpan Delay
    {
        get => new(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <summary>Lets bytes through again; what was held comes first.</summary>
    public void Open()
    {
        _mode = RelayMode.Open;
        _open.TrySetResult();
    }

    /// <summary>Holds every byte, either way, until <see cref="Open"/>.</summary>
    public void Hold()
    {
        if (_open.Task.IsCompleted)
        {
            _open = NewGate(isOpen: false);
        }

        _mode = RelayMode.Hold;
    }

    /// <summary>Resets every connection, and those to come.</summary>
    public void Cut()
    {
        _mode = RelayMode.Cut;
        foreach (Socket socket in _sockets.Keys)
        {
            Reset(socket);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (Socket socket in _sockets.Keys)
        {
            Reset(socket);
        }

        _stop.Dispose();
    }

    private static TaskCompletionSource NewGate(bool isOpen)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (isOpen)
        {
            gate.SetResult();
        }

        return gate;
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket dialer = await _listener.AcceptSocketAsync(_stop.Token);
            _ = RelayAsync(dialer);
        }
    }

    private async Task RelayAsync(Socket dialer)
    {
        using var member = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _sockets[dialer] = _sockets[member] = true;
        try
        {
            dialer.NoDelay = true;
            if (_mode != RelayMode.Cut)
            {
                await member.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                await Task.WhenAny(PassAsync(dialer, member), PassAsync(member, dialer));
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Either end went away, or nobody listens: the dialer sees its connection end, as without a relay.
        }
        finally
        {
            _sockets.TryRemove(dialer, out _);
            _sockets.TryRemove(member, out _);
            Reset(dialer);
        }
    }

    private async Task PassAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and int count)
            {
                if (Delay > TimeSpan.Zero)
                {
                    await Task.Delay(Delay, TimeProvider.System, _stop.Token);
                }

                await _open.Task.WaitAsync(_stop.Token);
                HasPassed = true;
                for (int sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stop.Token);
                }
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other direction ends with this one.
        }
    }

    private static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }

        socket.Dispose();
    }
}
