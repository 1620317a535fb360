using System.Buffers.Binary;
using System.Net.Sockets;

namespace Discovery.Store.Peers;

/// <summary>What every connection between members has.</summary>
internal static class SocketSettings
{
    // Linux: include/uapi/linux/tcp.h; the framework has no names for them.
    private const int TcpLevel = 6;
    private const int TcpSynCount = 7;
    private const int TcpUserTimeout = 18;

    /// <summary>Call it before connecting, or when it was accepted.</summary>
    public static void Apply(Socket socket)
    {
        socket.NoDelay = true;
        socket.SendTimeout = (int)PeerLimits.WriteTime.TotalMilliseconds;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)PeerLimits.KeepAliveTime.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)PeerLimits.KeepAliveInterval.TotalSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, PeerLimits.KeepAliveQuestions);
        if (OperatingSystem.IsLinux())
        {
            SetNumber(socket, TcpSynCount, PeerLimits.DialRepetitions);
            SetNumber(socket, TcpUserTimeout, (int)PeerLimits.UnacknowledgedTime.TotalMilliseconds);
        }
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

    private static void SetNumber(Socket socket, int option, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        socket.SetRawSocketOption(TcpLevel, option, bytes);
    }
}
