using System.Net;
using System.Net.Sockets;

namespace Discovery.Sidecar.Checks;

/// <summary>A connection is made and closed; nothing is sent, nothing is waited for.</summary>
internal static class TcpProbe
{
    /// <summary>Asks once.</summary>
    public static async Task<CheckResult> AskAsync(CheckTarget target, CancellationToken cancellation)
    {
        var address = IPAddress.Parse(target.Address);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, target.Port), cancellation);
            return CheckResult.Passing($"{target} accepts connections");
        }
        catch (SocketException e)
        {
            return CheckResult.Critical($"{target}: {e.Message}");
        }
    }
}
