using System.Globalization;
using System.Net;

namespace Discovery.Store;

/// <summary>What a URL of a member may be, whoever gives it: a flag, or a client that adds a member.</summary>
internal static class PeerUrl
{
    /// <summary>Why other members could not reach anybody by this URL; null when they could.</summary>
    public static string? Problem(string text) =>
        AdvertisedProblem(text)
        ?? (IsEverywhere(text) ? "wanted an address that other members can dial; this one means every address of the machine that listens" : null);

    /// <summary>Why the URL cannot be told to anybody. That it means every address is allowed, as etcd's clients are used to.</summary>
    public static string? AdvertisedProblem(string text) =>
        Problem(text, out Uri? url) ?? (url!.Port == 0 ? "wanted a port above 0 to advertise" : null);

    /// <summary>Why the URL cannot be listened on.</summary>
    public static string? ListeningProblem(string text) =>
        Problem(text, out Uri? url) ?? (StoreOptions.ListenAddress(url!) is null ? "wanted an IP address or localhost to listen on, not a name" : null);

    /// <summary>Whether two texts name the same place.</summary>
    public static bool AreSame(string left, string right) =>
        Uri.TryCreate(left, UriKind.Absolute, out Uri? a) && Uri.TryCreate(right, UriKind.Absolute, out Uri? b) && a == b;

    /// <summary>Whether the URL leads back to the machine that dials it, so that only members on one machine reach each other by it.</summary>
    public static bool IsLoopback(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url)
        && (url.Host == "localhost" || (IPAddress.TryParse(url.Host.Trim('[', ']'), out IPAddress? address) && IPAddress.IsLoopback(address)));

    /// <summary>The URL to be advertised when nothing but where to listen is known: "every address" becomes this machine.</summary>
    public static string ReachableFromHere(string listening) =>
        IsEverywhere(listening) ? string.Create(CultureInfo.InvariantCulture, $"http://localhost:{new Uri(listening).Port}") : listening;

    private static bool IsEverywhere(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url)
        && IPAddress.TryParse(url.Host.Trim('[', ']'), out IPAddress? address)
        && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));

    private static string? Problem(string text, out Uri? url)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out url) || url.Host.Length == 0)
        {
            return "wanted http://address:port";
        }

        if (url.Scheme != Uri.UriSchemeHttp)
        {
            return url.Scheme == Uri.UriSchemeHttps
                ? "https is not served by this version; wanted http"
                : $"wanted the scheme http, not {url.Scheme}";
        }

        // Uri fills in port 80, so the text must tell whether one was written.
        if (!text.TrimEnd('/').EndsWith(string.Create(CultureInfo.InvariantCulture, $":{url.Port}"), StringComparison.Ordinal))
        {
            return url.PathAndQuery != "/" || url.Fragment.Length > 0 || url.UserInfo.Length > 0
                ? "wanted nothing after the port"
                : "wanted a port, such as http://127.0.0.1:2379";
        }

        return url.UserInfo.Length > 0 ? "wanted no user in it" : null;
    }
}
