using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Discovery.Sample;

/// <summary>
/// The image's HEALTHCHECK. The image holds no curl, so the program asks itself, over a bare socket: this runs once a
/// second for each container, and an HttpClient would triple its cost.
/// </summary>
internal static class HealthProbe
{
    /// <summary>Longest wait for the answer. Shorter than the HEALTHCHECK's own timeout, so that the reason is printed.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    /// <summary>0 when the service on this port says 200 to /healthz, else 1; what it said goes to standard output.</summary>
    public static async Task<int> RunAsync(ushort port)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, port, deadline.Token);
            await socket.SendAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray(), deadline.Token);

            // With HTTP/1.0 the answer ends where the connection does. One that is longer than this is not ours.
            byte[] buffer = new byte[1024];
            int length = 0;
            while (await socket.ReceiveAsync(buffer.AsMemory(length), deadline.Token) is > 0 and var received)
            {
                length += received;
            }

            string answer = Encoding.ASCII.GetString(buffer, 0, length);
            Console.WriteLine(answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 1)..].Trim());
            return answer.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) ? 0 : 1;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            Console.WriteLine($"127.0.0.1:{port} does not answer: {e.Message}");
            return 1;
        }
    }
}
