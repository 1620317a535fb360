using System.Buffers.Binary;
using System.Net.Sockets;

namespace Discovery.Store.Peers;

/// <summary>What every connection between members has.</summary>
internal static class SocketSettings
{
    // Linux: include/uapi/linux/tcp.h; the framework has no name for it.
    private const int TcpLevel = 6;
    private const int TcpUserTimeout = 18;

    /// <summary>For a socket that is about to be connected.</summary>
    public static void BeforeConnect(Socket socket) => SetUserTimeout(socket, PeerLimits.DialTime);

    /// <summary>For a socket that is connected.</summary>
    public static void AfterConnect(Socket socket)
    {
        SetUserTimeout(socket, PeerLimits.StallTime);
        socket.NoDelay = true;
        socket.SendTimeout = (int)PeerLimits.StallTime.TotalMilliseconds;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)PeerLimits.KeepAliveTime.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)PeerLimits.KeepAliveInterval.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, PeerLimits.KeepAliveQuestions);
    }

    /// <summary>Ends both directions, so that whichever thread waits in a call on the socket goes on.</summary>
    public static void Interrupt(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended by itself.
        }
    }

    private static void SetUserTimeout(Socket socket, TimeSpan time)
    {
        if (OperatingSystem.IsLinux())
        {
            Span<byte> milliseconds = stackalloc byte[sizeof(int)];
            BinaryPrimitives.WriteInt32LittleEndian(milliseconds, (int)time.TotalMilliseconds);
            socket.SetRawSocketOption(TcpLevel, TcpUserTimeout, milliseconds);
        }
    }
}
