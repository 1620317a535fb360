using Discovery.Catalog;
using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Testing;

namespace Discovery.EndToEnd.Tests.Setup;

/// <summary>One registration as it stands in the store.</summary>
/// <param name="Key">Its key.</param>
/// <param name="ModRevision">When it was last written.</param>
/// <param name="Lease">Whose it is; 0 = nobody's.</param>
/// <param name="Instance">Its value.</param>
public sealed record Registration(string Key, long ModRevision, long Lease, ServiceInstance Instance);

/// <summary>What a host has registered, read from the store anew at each call.</summary>
public sealed class Registry(Uri store, string host) : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly StoreClient _client = new(StoreAddress.Parse($"etcd://{store.Authority}"));

    /// <summary>All registrations of the host, in order of their keys.</summary>
    public async Task<IReadOnlyList<Registration>> ReadAsync()
    {
        KeyRange range = KeyRange.Prefix(CatalogKeys.InstancesOf(host));
        RangeResponse response = await _client.RangeAsync(new RangeRequest { Key = range.Key, RangeEnd = range.End }, None);
        return [.. response.Kvs.Select(static kv =>
        {
            (ServiceInstance? instance, string? problem) = CatalogJson.Read<ServiceInstance>(kv.Value.Span);
            return instance is null
                ? throw new InvalidOperationException($"{kv.Key.ToStringUtf8()} holds no instance: {problem}")
                : new Registration(kv.Key.ToStringUtf8(), kv.ModRevision, kv.Lease, instance);
        })];
    }

    /// <summary>The registrations of one container.</summary>
    public async Task<IReadOnlyList<Registration>> ReadAsync(string container) =>
        [.. (await ReadAsync()).Where(r => r.Instance.Container?.Id == container)];

    /// <summary>The host's own record; null while there is none.</summary>
    public async Task<HostRecord?> HostAsync()
    {
        KeyRange key = KeyRange.Exactly(CatalogKeys.Host(host));
        RangeResponse response = await _client.RangeAsync(new RangeRequest { Key = key.Key }, None);
        return response.Kvs.Count == 0 ? null : CatalogJson.Read<HostRecord>(response.Kvs[0].Value.Span).Record;
    }

    /// <summary>Waits until the container has exactly one registration and it is as wanted.</summary>
    public async Task<Registration> OneAsync(string container, Func<ServiceInstance, bool>? wanted = null)
    {
        IReadOnlyList<Registration> seen = [];
        await Eventually.HoldsAsync(
            async () =>
            {
                seen = await ReadAsync(container);
                return seen.Count == 1 && (wanted is null || wanted(seen[0].Instance));
            },
            saw: () => Describe(seen),
            what: $"one registration of container {container[..12]} as wanted");
        return seen[0];
    }

    /// <summary>Waits until nothing is registered of the container.</summary>
    public async Task NoneAsync(string container)
    {
        IReadOnlyList<Registration> seen = [];
        await Eventually.HoldsAsync(
            async () => (seen = await ReadAsync(container)).Count == 0,
            saw: () => Describe(seen),
            what: $"no registration of container {container[..12]}");
    }

    /// <summary>
    /// Waits until the registrations of the given containers are exactly what the engine runs: each running one once, at
    /// the port that it has now, and nothing of the others.
    /// </summary>
    public async Task EqualsEngineAsync(DockerEngine engine, IReadOnlyCollection<string> containers)
    {
        string wanted = "", seen = "";
        await Eventually.HoldsAsync(
            async () =>
            {
                var published = new List<string>();
                foreach (string container in (await engine.RunningAsync()).Where(containers.Contains))
                {
                    published.Add($"{container[..12]}:{await engine.PublishedPortAsync(container, SampleImage.Port)}");
                }

                wanted = string.Join('\n', published.Order(StringComparer.Ordinal));
                seen = string.Join('\n', (await ReadAsync())
                    .Where(r => r.Instance.Container is { } c && containers.Contains(c.Id))
                    .Select(static r => $"{r.Instance.Container!.Id[..12]}:{r.Instance.Port}")
                    .Order(StringComparer.Ordinal));
                return wanted == seen;
            },
            saw: () => $"the engine runs\n{wanted}\nregistered is\n{seen}",
            what: "the registry equals the engine");
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static string Describe(IReadOnlyList<Registration> registrations) =>
        registrations.Count == 0 ? "no registration" : string.Join('\n', registrations);
}
