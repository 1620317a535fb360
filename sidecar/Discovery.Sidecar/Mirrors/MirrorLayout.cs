using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Discovery.Sidecar.Mirrors;

/// <summary>Keys and values of registrator's key-value backends, byte for byte. Pure.</summary>
internal static class MirrorLayout
{
    /// <summary>As Go's encoder writes text: everything as it is, but what HTML would mistake.</summary>
    public static readonly JsonSerializerOptions GoJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary><c>ip:port</c>, IPv6 in brackets.</summary>
    public static string Endpoint(MirroredService service) => service.Ip.Contains(':', StringComparison.Ordinal)
        ? string.Create(CultureInfo.InvariantCulture, $"[{service.Ip}]:{service.Port}")
        : string.Create(CultureInfo.InvariantCulture, $"{service.Ip}:{service.Port}");

    /// <summary><c>&lt;path&gt;/&lt;service&gt;/&lt;id&gt;</c> = <c>ip:port</c>, or a DNS record for SkyDNS and CoreDNS.</summary>
    public static MirrorEntry Entry(MirrorKind kind, string path, MirroredService service)
    {
        // A DNS label has neither dots nor colons; registrator's skydns2 leaves that to whoever sets SERVICE_ID.
        string id = kind == MirrorKind.Coredns ? service.Id.Replace(':', '-').Replace('.', '-') : service.Id;
        string value = kind is MirrorKind.Coredns or MirrorKind.Skydns2 ? DnsRecord(service) : Endpoint(service);
        return new(service.Id, $"{path}/{service.Name}/{id}", value, value, service.IsLapsing);
    }

    /// <summary>
    /// The id in a key, or null when the key is not exactly <c>&lt;path&gt;/&lt;service&gt;/&lt;id&gt;</c>: what lies deeper or higher is of
    /// another layout, such as the catalog's own, and may hold ids of ours too.
    /// </summary>
    public static string? IdOf(string path, string key)
    {
        if (!key.StartsWith(path, StringComparison.Ordinal))
        {
            return null;
        }

        string[] parts = key[path.Length..].Split('/');
        return parts is ["", { Length: > 0 }, { Length: > 0 } id] ? id : null;
    }

    private static string DnsRecord(MirroredService service) =>
        string.Create(CultureInfo.InvariantCulture, $"{{\"host\":\"{JsonEncodedText.Encode(service.Ip)}\",\"port\":{service.Port}}}");
}
