using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Discovery.Store.Peers;

/// <summary>A peer URL as it is dialed; the host is a name or an address.</summary>
internal sealed record DialedUrl(string Text, string Host, int Port)
{
    /// <summary>Why nobody can be dialed at the URL; null when somebody can.</summary>
    public static string? Problem(string text) =>
        // Names in other letters are for people; in the name system they are ASCII.
        Ascii.IsValid(text) ? PeerUrl.AdvertisedProblem(text) : "wanted letters of ASCII";

    /// <summary>A URL without a <see cref="Problem"/>.</summary>
    public static DialedUrl Parse(string text)
    {
        var url = new Uri(text);
        return new DialedUrl(text, url.Host.Trim('[', ']'), url.Port);
    }

    /// <summary>The addresses of the host as they are now.</summary>
    /// <exception cref="SocketException">The name is unknown, or no name server answers.</exception>
    public IEnumerable<IPEndPoint> Resolve()
    {
        IPAddress[] addresses = IPAddress.TryParse(Host, out IPAddress? literal) ? [literal] : Dns.GetHostAddresses(Host);
        return addresses.Take(PeerLimits.AddressesPerNameMax).Select(address => new IPEndPoint(address, Port));
    }
}
