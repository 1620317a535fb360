using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Discovery.Store.Peers;

/// <summary>Who dials a peer URL and is no member: most often somebody took it for the client URL.</summary>
internal static class Stranger
{
    private const byte TlsHandshake = 0x16;
    private const string Purpose = "This is a peer URL of a Discovery store: only its members speak here. Clients use the client URL (--listen-client-urls).\n";

    private static readonly byte[] HttpAnswer = Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {Purpose.Length}\r\nConnection: close\r\n\r\n{Purpose}"));

    private static readonly byte[] TlsAnswer = Encoding.ASCII.GetBytes("This peer URL is served without TLS; use http, not https.\n");

    /// <summary>What the first bytes look like, for a log line.</summary>
    public static string Describe(ReadOnlySpan<byte> first) =>
        IsTls(first) ? "TLS"
        : IsHttp(first) ? "HTTP"
        : $"the bytes {Convert.ToHexStringLower(first[..Math.Min(first.Length, HandshakeCodec.Magic.Length)])}";

    /// <summary>Says in its language what this port is, and waits a moment for it to be read: closing at once could overtake the answer.</summary>
    public static void Answer(Socket socket, ReadOnlySpan<byte> first)
    {
        ReadOnlySpan<byte> answer = IsTls(first) ? TlsAnswer : IsHttp(first) ? HttpAnswer : default;
        if (answer.IsEmpty)
        {
            return;
        }

        socket.Send(answer);
        socket.Shutdown(SocketShutdown.Send);
        socket.ReceiveTimeout = (int)PeerLimits.FarewellTime.TotalMilliseconds;
        Span<byte> rest = stackalloc byte[1024];
        for (int left = PeerLimits.HandshakeBytesMax; left > 0;)
        {
            int count = socket.Receive(rest);
            left = count > 0 ? left - count : 0;
        }
    }

    private static bool IsTls(ReadOnlySpan<byte> first) => !first.IsEmpty && first[0] == TlsHandshake;

    private static bool IsHttp(ReadOnlySpan<byte> first) =>
        first.StartsWith("GET "u8) || first.StartsWith("PUT "u8) || first.StartsWith("POST "u8) || first.StartsWith("HEAD "u8)
        || first.StartsWith("PRI * "u8) || first.StartsWith("PATCH "u8) || first.StartsWith("TRACE "u8) || first.StartsWith("DELETE "u8)
        || first.StartsWith("OPTIONS "u8) || first.StartsWith("CONNECT "u8) || first.StartsWith("HTTP/"u8);
}
