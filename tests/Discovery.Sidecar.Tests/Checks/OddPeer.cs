using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Discovery.Sidecar.Tests.Checks;

/// <summary>A TCP listener that treats each connection as a test says, and knows how many were made and are open.</summary>
internal sealed class OddPeer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Socket, CancellationToken, Task> _treat;
    private readonly Task _accepting;
    private int _accepted;
    private int _open;

    /// <summary>Listens at once.</summary>
    /// <param name="treat">What happens to a connection; it is closed afterwards.</param>
    public OddPeer(Func<Socket, CancellationToken, Task> treat)
    {
        _treat = treat;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>A peer that reads the head of a request and sends these pieces.</summary>
    public static OddPeer Answering(params string[] pieces) => new(async (socket, cancellation) =>
    {
        await ReadHeadAsync(socket, cancellation);
        foreach (string piece in pieces)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes(piece), cancellation);
        }
    });

    /// <summary>A peer that accepts and says nothing until the other side closes.</summary>
    public static OddPeer Silent() => new(ReadToEndAsync);

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Accepted => Volatile.Read(ref _accepted);

    public int Open => Volatile.Read(ref _open);

    public static async Task ReadHeadAsync(Socket socket, CancellationToken cancellation)
    {
        byte[] buffer = new byte[4096];
        string head = "";
        while (!head.Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            int count = await socket.ReceiveAsync(buffer, cancellation);
            if (count == 0)
            {
                return;
            }

            head += Encoding.ASCII.GetString(buffer, 0, count);
        }
    }

    public static async Task ReadToEndAsync(Socket socket, CancellationToken cancellation)
    {
        byte[] buffer = new byte[4096];
        while (await socket.ReceiveAsync(buffer, cancellation) > 0)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stop.Token);
                Interlocked.Increment(ref _accepted);
                Interlocked.Increment(ref _open);
                _ = TreatAsync(socket);
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task TreatAsync(Socket socket)
    {
        try
        {
            await _treat(socket, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // The other side left.
        }
        finally
        {
            socket.Dispose();
            Interlocked.Decrement(ref _open);
        }
    }
}
