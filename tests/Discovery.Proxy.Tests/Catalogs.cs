using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Proxy.Tests;

/// <summary>Instances and snapshots for the pure tests, in few words.</summary>
internal static class Catalogs
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    public static ServiceInstance Instance(string service, int number = 1, params InstanceRoute[] routes) => new()
    {
        Id = $"h1:{service}-{number}:80",
        Service = service,
        Host = "h1",
        Address = "10.0.0.1",
        Port = 30000 + number,
        Routes = [.. routes],
        RegisteredAt = Noon,
    };

    public static InstanceRoute Route(string? host = null, string? path = null, int? priority = null, string source = "SERVICE_NAME") =>
        new() { Host = host, Path = path, Priority = priority, Source = source };

    public static CatalogSnapshot Snapshot(params ServiceInstance[] instances) => CatalogSnapshot.Empty.With(instances);

    /// <summary>The next revision, with these instances added or replaced; all other services stay the same objects.</summary>
    public static CatalogSnapshot With(this CatalogSnapshot snapshot, params ServiceInstance[] instances)
    {
        var services = snapshot.Services;
        foreach (ServiceInstance instance in instances)
        {
            var siblings = services.GetValueOrDefault(instance.Service)?.ByKey
                ?? ImmutableSortedDictionary.Create<string, ServiceInstance>(StringComparer.Ordinal);
            services = services.SetItem(instance.Service, new(instance.Service, siblings.SetItem(Key(instance), instance)));
        }

        return snapshot with { Revision = snapshot.Revision + 1, Connected = true, Services = services };
    }

    public static CatalogSnapshot Without(this CatalogSnapshot snapshot, ServiceInstance instance)
    {
        var rest = snapshot.Services[instance.Service].ByKey.Remove(Key(instance));
        return snapshot with
        {
            Revision = snapshot.Revision + 1,
            Services = rest.IsEmpty
                ? snapshot.Services.Remove(instance.Service)
                : snapshot.Services.SetItem(instance.Service, new(instance.Service, rest)),
        };
    }

    public static string Key(ServiceInstance instance) => CatalogKeys.Instance(instance.Host, instance.Service, instance.Id);
}
