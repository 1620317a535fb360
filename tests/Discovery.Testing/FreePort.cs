using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Discovery.Testing;

/// <summary>TCP ports for programs that must be told one.</summary>
public static class FreePort
{
    // Below 32768, where Linux and Docker take ports for outgoing connections and published containers: a port chosen
    // there could be gone before the program under test binds it.
    private const int First = 15_000;
    private const int End = 32_000;

    private static readonly ConcurrentDictionary<int, bool> Given = [];

    /// <summary>A loopback port that nothing listens on, never given twice in this process.</summary>
    public static int Next()
    {
        while (true)
        {
            int port = Random.Shared.Next(First, End);
            if (Given.TryAdd(port, true) && IsFree(port))
            {
                return port;
            }
        }
    }

    private static bool IsFree(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
