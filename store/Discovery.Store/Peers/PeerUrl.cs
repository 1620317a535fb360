using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Discovery.Store.Peers;

/// <summary>A peer URL that can be dialed: <c>http://host:port</c>, the host a name or an address.</summary>
internal sealed record PeerUrl(string Text, string Host, int Port)
{
    public static bool TryParse(string text, [NotNullWhen(true)] out PeerUrl? url)
    {
        // Names in other letters are for people; in the name system they are ASCII.
        url = Ascii.IsValid(text) && Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttp && uri.Host.Length > 0 && uri.Port > 0
            ? new PeerUrl(text, uri.Host, uri.Port)
            : null;
        return url is not null;
    }

    /// <summary>The addresses of the host as they are now.</summary>
    /// <exception cref="SocketException">The name is unknown, or no name server answers.</exception>
    public IEnumerable<IPEndPoint> Resolve()
    {
        int port = Port;
        IPAddress[] addresses = IPAddress.TryParse(Host.Trim('[', ']'), out IPAddress? literal) ? [literal] : Dns.GetHostAddresses(Host);
        return addresses.Take(PeerLimits.AddressesPerNameMax).Select(address => new IPEndPoint(address, port));
    }
}
