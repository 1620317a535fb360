using Discovery.EtcdApi;
using Google.Protobuf;

namespace Discovery.Catalog;

/// <summary>
/// The layout of the keyspace; the only place that knows it. The host stands first, so that one range says who may
/// write what and one range is a host's whole state.
/// </summary>
public static class CatalogKeys
{
    /// <summary>All instances.</summary>
    public const string Instances = "/discovery/instances/";

    /// <summary>All hosts.</summary>
    public const string Hosts = "/discovery/hosts/";

    /// <summary>All proxies.</summary>
    public const string Proxies = "/discovery/proxies/";

    /// <summary>
    /// Everything a reader of the catalog follows: hosts, instances, intents, proxies and routes lie side by side;
    /// events, users and audit do not lie between them.
    /// </summary>
    public static KeyRange Catalog { get; } = new(
        ByteString.CopyFromUtf8(Hosts),
        KeyRange.Prefix("/discovery/routes/").End);

    /// <summary>Where a host registers its instances.</summary>
    public static string InstancesOf(string host) => $"{Instances}{host}/";

    /// <summary>Where one instance is registered.</summary>
    public static string Instance(string host, string service, string id) => $"{Instances}{host}/{service}/{id}";

    /// <summary>A host's own record.</summary>
    public static string Host(string host) => Hosts + host;

    /// <summary>A proxy's own record.</summary>
    public static string Proxy(string proxy) => Proxies + proxy;
}
