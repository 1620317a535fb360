using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Dashboard.Views;

/// <summary>The front page.</summary>
/// <param name="Store">The store's health.</param>
/// <param name="Instances">All instances by health.</param>
/// <param name="Services">Services in the catalog.</param>
/// <param name="Hosts">Hosts with a sidecar.</param>
/// <param name="Proxies">Proxies.</param>
/// <param name="Attention">Services that are not all passing, worst first, at most <see cref="Limits.AttentionShown"/>.</param>
/// <param name="AttentionTotal">How many there are in all.</param>
/// <param name="HostProblems">Hosts with warnings. A container that is not registered is no warning: most publish no port on purpose.</param>
/// <param name="Summary">One sentence for screen readers, told again only when it changes.</param>
public sealed record OverviewView(
    StoreLine Store,
    HealthTally Instances,
    int Services,
    int Hosts,
    int Proxies,
    ImmutableArray<AttentionRow> Attention,
    int AttentionTotal,
    int HostProblems,
    string Summary)
{
    /// <summary>Made of all that is known.</summary>
    public static OverviewView From(FeedState feed)
    {
        CatalogSnapshot catalog = feed.Catalog;
        HealthTally tally = HealthTally.Of(catalog.Services.Values.SelectMany(static s => s.Instances));
        List<AttentionRow> attention = [.. catalog.Services.Values
            .Select(AttentionRow.Of)
            .Where(static r => r.Tally.Worst != Health.Passing)
            .OrderBy(static r => HealthTally.Rank(r.Tally.Worst))
            .ThenByDescending(static r => r.Tally[r.Tally.Worst])
            .ThenBy(static r => r.Name, StringComparer.Ordinal)];
        var store = StoreLine.From(feed);
        return new(
            store,
            tally,
            catalog.Services.Count,
            catalog.Hosts.Count,
            catalog.Proxies.Count,
            [.. attention.Take(Limits.AttentionShown)],
            attention.Count,
            catalog.Hosts.Values.Count(static h => h.Warnings.Count > 0),
            Summarize(store, catalog.Services.Count, tally));
    }

    /// <summary>What a screen reader is told when it changes.</summary>
    public static string Summarize(StoreLine store, int services, HealthTally tally)
    {
        IEnumerable<string> unwell = HealthTally.WorstFirst
            .Where(h => h != Health.Passing && tally[h] > 0)
            .Select(h => $"{tally[h]} {Wording.Of(h)}");
        string health = tally.Total == 0 ? "no instances"
            : tally.Passing == tally.Total ? "all instances passing"
            : $"instances: {string.Join(", ", unwell)}";
        return $"Store {store.Text.ToLowerInvariant()}. {Wording.Count(services, "service")}, {health}.";
    }
}

/// <summary>A service that is not all passing, and the reason nearest at hand.</summary>
/// <param name="Name">The service.</param>
/// <param name="Tally">Its instances by health.</param>
/// <param name="Where">The first instance with the worst health.</param>
/// <param name="Output">What its check printed last; empty when there is no check.</param>
/// <param name="Since">Since when; null when nobody said.</param>
public sealed record AttentionRow(string Name, HealthTally Tally, string Where, string Output, DateTimeOffset? Since)
{
    /// <summary>The row of a service.</summary>
    public static AttentionRow Of(Service service)
    {
        ServiceInstance worst = service.Instances.MinBy(static i => HealthTally.Rank(i.Health))!;
        InstanceView view = InstanceView.Of(worst, []);
        return new(service.Name, HealthTally.Of(service.Instances), view.Name, view.Telling?.Output ?? "", view.Since);
    }
}
