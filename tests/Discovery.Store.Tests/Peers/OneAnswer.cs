using System.Net;
using System.Net.Sockets;
using Discovery.Testing;

namespace Discovery.Store.Tests.Peers;

/// <summary>A server that is no member: it says the same to everybody, whatever they say.</summary>
internal sealed class OneAnswer : IDisposable
{
    private readonly TcpListener _listener;

    public OneAnswer(byte[] answer)
    {
        int port = FreePort.Next();
        Url = $"http://127.0.0.1:{port}";
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _ = AnswerAsync(answer);
    }

    public string Url { get; }

    public void Dispose() => _listener.Dispose();

    private async Task AnswerAsync(byte[] answer)
    {
        try
        {
            while (true)
            {
                using Socket socket = await _listener.AcceptSocketAsync();
                await socket.SendAsync(answer);
                _ = await socket.ReceiveAsync(new byte[1024]);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
