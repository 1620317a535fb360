using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>What a change is about.</summary>
public enum ChangeKind
{
    /// <summary>An instance is in the catalog that was not.</summary>
    Registered,

    /// <summary>An instance has left it.</summary>
    Gone,

    /// <summary>An instance's health is another.</summary>
    Health,

    /// <summary>An instance drains, is in maintenance, or is back.</summary>
    State,

    /// <summary>A host is in the catalog that was not.</summary>
    HostJoined,

    /// <summary>A host's registrations have ended.</summary>
    HostLeft,
}

/// <summary>One line of "recent changes", found by comparing two snapshots.</summary>
/// <param name="At">When the dashboard learned of it.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Service">Of an instance; empty for a host.</param>
/// <param name="Subject">The container's name, else the instance's id; the host's name for a host.</param>
/// <param name="Host">Where; empty for other writers.</param>
/// <param name="Health">The instance's health after it; before it for one that is gone.</param>
/// <param name="Detail">From what to what, or the check's output; empty when there is nothing to add.</param>
public sealed record CatalogChange(
    DateTimeOffset At, ChangeKind Kind, string Service, string Subject, string Host, Health Health, string Detail)
{
    /// <summary>What differs, services by name, hosts last. Costs a comparison of references per service and of values per changed one.</summary>
    public static IEnumerable<CatalogChange> Between(CatalogSnapshot before, CatalogSnapshot after, DateTimeOffset at)
    {
        if (!ReferenceEquals(before.Services, after.Services))
        {
            foreach (string name in before.Services.Keys.Union(after.Services.Keys).Order(StringComparer.Ordinal))
            {
                Service? old = before.Services.GetValueOrDefault(name);
                Service? now = after.Services.GetValueOrDefault(name);
                if (!ReferenceEquals(old, now))
                {
                    foreach (CatalogChange change in Between(old, now, at))
                    {
                        yield return change;
                    }
                }
            }
        }

        if (ReferenceEquals(before.Hosts, after.Hosts))
        {
            yield break;
        }

        foreach (string host in after.Hosts.Keys.Where(h => !before.Hosts.ContainsKey(h)))
        {
            yield return new(at, ChangeKind.HostJoined, "", host, host, default, after.Hosts[host].Address);
        }

        foreach (string host in before.Hosts.Keys.Where(h => !after.Hosts.ContainsKey(h)))
        {
            yield return new(at, ChangeKind.HostLeft, "", host, host, default, before.Hosts[host].Address);
        }
    }

    private static IEnumerable<CatalogChange> Between(Service? before, Service? after, DateTimeOffset at)
    {
        foreach ((string key, ServiceInstance instance) in before?.ByKey.AsEnumerable() ?? [])
        {
            if (after is null || !after.ByKey.ContainsKey(key))
            {
                yield return Of(instance, ChangeKind.Gone, at, instance.Endpoint);
            }
        }

        foreach ((string key, ServiceInstance instance) in after?.ByKey.AsEnumerable() ?? [])
        {
            ServiceInstance? old = before?.ByKey.GetValueOrDefault(key);
            if (old is null)
            {
                yield return Of(instance, ChangeKind.Registered, at, instance.Endpoint);
                continue;
            }

            if (old.Health != instance.Health)
            {
                yield return Of(instance, ChangeKind.Health, at, Reason(instance));
            }

            if (old.State != instance.State)
            {
                yield return Of(instance, ChangeKind.State, at, $"{Wording.Of(old.State)} → {Wording.Of(instance.State)}");
            }
        }
    }

    private static CatalogChange Of(ServiceInstance instance, ChangeKind kind, DateTimeOffset at, string detail) =>
        new(at, kind, instance.Service, InstanceView.NameOf(instance), instance.Host, instance.Health, detail);

    private static string Reason(ServiceInstance instance) =>
        instance.Health == Health.Passing ? "" : instance.Checks.FirstOrDefault(c => c.Status == instance.Health)?.Output ?? "";
}
