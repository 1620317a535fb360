using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Discovery.Testing;

namespace Discovery.Store.Tests.Peers;

/// <summary>A port at which dials get no answer at all: Linux leaves out who comes when enough wait to be accepted.</summary>
internal sealed class FullBacklog : IDisposable
{
    private const string SynSent = "02";

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _waiting = [];
    private readonly int _port = FreePort.Next();

    public FullBacklog()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, _port));
        _listener.Listen(0);
        for (int i = 0; i < 4; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            _waiting.Add(socket);
            try
            {
                socket.Connect(IPAddress.Loopback, _port);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // It waits, as it should.
            }
        }

        Before = Dials();
    }

    public string Url => $"http://127.0.0.1:{_port}";

    private int Before { get; }

    /// <summary>Whether somebody waits for an answer now who did not at the beginning.</summary>
    public bool IsDialed() => Dials() > Before;

    public void Dispose()
    {
        _waiting.ForEach(static socket => socket.Dispose());
        _listener.Dispose();
    }

    private int Dials()
    {
        string remote = string.Create(CultureInfo.InvariantCulture, $":{_port:X4} {SynSent} ");
        return File.ReadLines("/proc/net/tcp").Count(line => line.Contains(remote, StringComparison.Ordinal));
    }
}
