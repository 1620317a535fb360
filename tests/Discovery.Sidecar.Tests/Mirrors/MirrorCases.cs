using Discovery.Sidecar.Mirrors;
using Discovery.Testing;

namespace Discovery.Sidecar.Tests.Mirrors;

/// <summary>Services, and what each backend must hold of them: registrator's layouts, spelled out once more.</summary>
internal static class MirrorCases
{
    private const string Host = "host1";

    public static readonly MirrorOptions Options = new() { Host = Host, Resync = TimeSpan.FromSeconds(1) };
    public static readonly MirrorOptions WithTtl = Options with { Ttl = TimeSpan.FromSeconds(3), TtlRefresh = TimeSpan.FromSeconds(1), Resync = TimeSpan.FromMinutes(1) };

    public static readonly MirroredService Web = Service("web", "web-1", 32770);
    public static readonly MirroredService Web2 = Service("web", "web-2", 32771);
    public static readonly MirroredService Api = Service("api", "api", 32772);

    /// <summary>Wants the exact content, whoever tells when it is reached.</summary>
    public static async Task HoldsAsync(ForeignStore store, string scheme, params MirroredService[] services)
    {
        var expected = Expected(scheme, services);
        SortedDictionary<string, string> content = [];
        await Eventually.HoldsAsync(
            async () => (content = await store.ContentAsync()).SequenceEqual(expected),
            saw: () => string.Join("; ", content),
            what: string.Join("; ", expected));
    }

    public static string Uri(string scheme, ForeignStore store) => $"{scheme}://127.0.0.1:{store.Port}" + scheme switch
    {
        "consul" => "",
        "skydns2" => "/cluster.local",
        "coredns" => "/skydns?zone=cluster.local",
        _ => "/services",
    };

    public static MirroredService Service(string name, string container, int port) => new()
    {
        Id = $"{Host}:{container}:80",
        Name = name,
        Ip = "10.0.0.1",
        Port = port,
        ContainerPort = 80,
        ContainerHostname = "c0ffee",
        Tags = ["blue", "a"],
    };

    /// <summary>A key that looks like ours: a host whose name begins as ours does, or a deeper layout.</summary>
    public static (string Key, string Value) Stranger(string scheme) => scheme switch
    {
        "consul" => ("host10:web-1:80", "web"),
        "consulkv" => ("services/web/host10:web-1:80", "10.0.0.9:80"),
        "skydns2" => ("/skydns/local/cluster/web/host10:web-1:80", "{}"),
        "coredns" => ("/skydns/local/cluster/web/host1-web-9-80", "{}"),
        "zookeeper" => ("/services/web/10.0.0.9:80", "{}"),
        _ => ("/services/deeper/web/host1:web-1:80", "10.0.0.9:80"),
    };

    public static KeyValuePair<string, string>[] Expected(string scheme, params MirroredService[] services) =>
        [.. services.Select(s => scheme switch
        {
            "consul" => new KeyValuePair<string, string>(s.Id, $"{s.Name} {s.Ip}:{s.Port} [blue,a]"),
            "consulkv" => new($"services/{s.Name}/{s.Id}", $"{s.Ip}:{s.Port}"),
            "skydns2" => new($"/skydns/local/cluster/{s.Name}/{s.Id}", $"{{\"host\":\"{s.Ip}\",\"port\":{s.Port}}}"),
            "coredns" => new($"/skydns/local/cluster/{s.Name}/{s.Id.Replace(':', '-')}", $"{{\"host\":\"{s.Ip}\",\"port\":{s.Port}}}"),
            "zookeeper" => new(
                $"/services/{s.Name}/{s.Ip}:{s.Port}",
                $"{{\"Name\":\"{s.Name}\",\"IP\":\"{s.Ip}\",\"PublicPort\":{s.Port},\"PrivatePort\":80,\"ContainerID\":\"c0ffee\",\"Tags\":[\"blue\",\"a\"],\"Attrs\":{{}}}}"),
            _ => new($"/services/{s.Name}/{s.Id}", $"{s.Ip}:{s.Port}"),
        }).OrderBy(static pair => pair.Key, StringComparer.Ordinal)];
}
