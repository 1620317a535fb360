using System.Collections.Immutable;
using Discovery.EtcdApi.Messages;

namespace Discovery.Catalog;

/// <summary>Keys and values in, snapshots out; pure. One change costs O(log n) whatever the size of the catalog.</summary>
internal sealed class CatalogContent
{
    // What each key held last: a value may move its instance to another service than its key says.
    private readonly Dictionary<string, string> _serviceByKey = new(StringComparer.Ordinal);

    public CatalogSnapshot Snapshot { get; private set; } = CatalogSnapshot.Empty;

    /// <summary>Starts over with what a range returned.</summary>
    public void Load(IEnumerable<KeyValue> pairs, long revision)
    {
        CatalogSnapshot before = Snapshot;
        _serviceByKey.Clear();
        Snapshot = CatalogSnapshot.Empty;
        foreach (KeyValue pair in pairs)
        {
            Put(pair);
        }

        // A reload after a lost watch finds mostly what was there: unchanged services stay the same objects.
        Snapshot = Snapshot with
        {
            Revision = revision,
            Services = Snapshot.Services.SetItems(Snapshot.Services
                .Where(s => before.Services.TryGetValue(s.Key, out Service? old) && old.ByKey.SequenceEqual(s.Value.ByKey))
                .Select(s => KeyValuePair.Create(s.Key, before.Services[s.Key]))),
        };
    }

    /// <summary>The content has to be read anew; until then it stays as it is.</summary>
    public void Forget() => Snapshot = Snapshot with { Revision = 0 };

    /// <summary>Applies the events of a watch, in order.</summary>
    public void Apply(IEnumerable<Event> events, long revision)
    {
        foreach (Event change in events)
        {
            if (change.Type == Event.Types.EventType.Put)
            {
                Put(change.Kv);
            }
            else
            {
                Remove(change.Kv.Key.ToStringUtf8());
            }
        }

        Snapshot = Snapshot with { Revision = Math.Max(revision, Snapshot.Revision) };
    }

    /// <summary>Says that the store answers, or why not; the content stays.</summary>
    public void Connection(string? problem, DateTimeOffset now)
    {
        bool connected = problem is null;
        Snapshot = Snapshot with
        {
            Connected = connected,
            Problem = problem,
            Since = Snapshot.Since is not null && Snapshot.Connected == connected ? Snapshot.Since : now,
        };
    }

    private void Put(KeyValue pair)
    {
        string key = pair.Key.ToStringUtf8();
        string? problem;
        if (key.StartsWith(CatalogKeys.Instances, StringComparison.Ordinal))
        {
            (ServiceInstance? instance, problem) = CatalogJson.Read<ServiceInstance>(pair.Value.Span);
            problem ??= InstanceRules.Problem(instance!);
            PutInstance(key, problem is null ? instance : null);
        }
        else if (key.StartsWith(CatalogKeys.Hosts, StringComparison.Ordinal))
        {
            (HostRecord? host, problem) = CatalogJson.Read<HostRecord>(pair.Value.Span);
            Snapshot = Snapshot with { Hosts = With(Snapshot.Hosts, key[CatalogKeys.Hosts.Length..], host) };
        }
        else if (key.StartsWith(CatalogKeys.Proxies, StringComparison.Ordinal)
            && !key.AsSpan(CatalogKeys.Proxies.Length).Contains('/'))
        {
            (ProxyRecord? proxy, problem) = CatalogJson.Read<ProxyRecord>(pair.Value.Span);
            Snapshot = Snapshot with { Proxies = With(Snapshot.Proxies, key[CatalogKeys.Proxies.Length..], proxy) };
        }
        else
        {
            return;
        }

        Snapshot = Snapshot with { Unreadable = With(Snapshot.Unreadable, key, problem) };
    }

    private void Remove(string key)
    {
        PutInstance(key, null);
        Snapshot = Snapshot with
        {
            Hosts = key.StartsWith(CatalogKeys.Hosts, StringComparison.Ordinal)
                ? Snapshot.Hosts.Remove(key[CatalogKeys.Hosts.Length..])
                : Snapshot.Hosts,
            Proxies = key.StartsWith(CatalogKeys.Proxies, StringComparison.Ordinal)
                ? Snapshot.Proxies.Remove(key[CatalogKeys.Proxies.Length..])
                : Snapshot.Proxies,
            Unreadable = Snapshot.Unreadable.Remove(key),
        };
    }

    private void PutInstance(string key, ServiceInstance? instance)
    {
        var services = Snapshot.Services;
        if (_serviceByKey.Remove(key, out string? before) && before != instance?.Service)
        {
            var rest = services[before].ByKey.Remove(key);
            services = rest.IsEmpty ? services.Remove(before) : services.SetItem(before, new(before, rest));
        }

        if (instance is not null)
        {
            _serviceByKey[key] = instance.Service;
            var siblings = services.TryGetValue(instance.Service, out Service? service)
                ? service.ByKey
                : ImmutableSortedDictionary.Create<string, ServiceInstance>(StringComparer.Ordinal);
            if (!siblings.TryGetValue(key, out ServiceInstance? old) || old != instance)
            {
                services = services.SetItem(instance.Service, new(instance.Service, siblings.SetItem(key, instance)));
            }
        }

        Snapshot = Snapshot with { Services = services };
    }

    private static ImmutableSortedDictionary<string, T> With<T>(ImmutableSortedDictionary<string, T> map, string key, T? value)
        where T : class =>
        value is null ? map.Remove(key) : map.SetItem(key, value);
}
