using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Dashboard.Tests;

/// <summary>Records as sidecars write them, and catalogs made of them.</summary>
internal static class Sample
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    public static ServiceInstance Instance(
        string service, string host, int number, Health health = Health.Passing, string output = "ok", params InstanceRoute[] routes) => new()
        {
            Id = $"{host}:{service}-{number}:8080",
            Service = service,
            Host = host,
            Address = "10.0.0.7",
            Port = 32000 + number,
            Health = health,
            Checks = [new InstanceCheck { Name = "docker", Status = health, Output = output, ChangedAt = Noon.AddMinutes(-5) }],
            Routes = routes.ToEquatableArray(),
            Container = new() { Id = "0123456789abcdef0123456789abcdef", Name = $"{service}-{number}", Image = $"shop/{service}:7" },
            RegisteredAt = Noon.AddHours(-1),
        };

    public static CatalogSnapshot Catalog(params ServiceInstance[] instances) => new()
    {
        Revision = 7,
        Connected = true,
        Since = Noon.AddMinutes(-10),
        Services = instances
            .GroupBy(static i => i.Service)
            .ToImmutableSortedDictionary(
                static g => g.Key,
                static g => new Service(g.Key, g.ToImmutableSortedDictionary(
                    static i => CatalogKeys.Instance(i.Host, i.Service, i.Id), static i => i, StringComparer.Ordinal)),
                StringComparer.Ordinal),
    };

    public static CatalogSnapshot WithHost(this CatalogSnapshot catalog, HostRecord host) =>
        catalog with { Hosts = catalog.Hosts.SetItem(host.Name, host) };

    public static CatalogSnapshot WithProxy(this CatalogSnapshot catalog, ProxyRecord proxy) =>
        catalog with { Proxies = catalog.Proxies.SetItem(proxy.Name, proxy) };

    public static FeedState Feed(CatalogSnapshot catalog, params MemberState[] members) => new(
        Noon, catalog, new StoreMembers { All = members.ToEquatableArray(), AskedAt = Noon }, []);

    public static MemberState Member(ulong id, string name, ulong leader, ulong term = 3) => new()
    {
        Id = id,
        Name = name,
        LeaderId = leader,
        Term = term,
        Version = "3.5.21",
        RaftIndex = 120,
        AppliedIndex = 119,
        DbSizeBytes = 20 * 1024 * 1024,
        ClientUrls = [$"http://10.0.0.{id}:2379"],
        PeerUrls = [$"http://10.0.0.{id}:2380"],
    };
}
