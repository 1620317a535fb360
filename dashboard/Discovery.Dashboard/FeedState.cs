using System.Collections.Immutable;
using Discovery.Catalog;
using Discovery.Dashboard.Views;

namespace Discovery.Dashboard;

/// <summary>All that a page shows, at one moment; immutable, made by the feed's loop alone.</summary>
/// <param name="At">When this was so; ages are counted from here, so that a page renders the same twice.</param>
/// <param name="Catalog">The last catalog read; it says itself whether the store still answers.</param>
/// <param name="Members">The last survey of the store's members.</param>
/// <param name="Changes">What happened since the dashboard started, newest first, at most <see cref="Limits.ChangesKept"/>.</param>
public sealed record FeedState(
    DateTimeOffset At,
    CatalogSnapshot Catalog,
    StoreMembers Members,
    ImmutableList<CatalogChange> Changes)
{
    /// <summary>Before the first read.</summary>
    public static FeedState Empty(DateTimeOffset at) => new(at, CatalogSnapshot.Empty, StoreMembers.Unknown, []);

    /// <summary>Whether a catalog was read at all.</summary>
    public bool HasCatalog => Catalog.Revision > 0 || !Catalog.Services.IsEmpty || !Catalog.Hosts.IsEmpty;

    /// <summary>Whether what is shown may be out of date.</summary>
    public bool IsStale => HasCatalog && !Catalog.Connected;

    /// <summary>The next catalog; what differs from the present one becomes changes.</summary>
    public FeedState With(CatalogSnapshot next, DateTimeOffset now)
    {
        // The first read is what was there already, not what happened.
        IEnumerable<CatalogChange> changes = HasCatalog ? CatalogChange.Between(Catalog, next, now) : [];
        return this with
        {
            At = now,
            Catalog = next,
            Changes = [.. changes.Reverse().Concat(Changes).Take(Limits.ChangesKept)],
        };
    }

    /// <summary>The next survey.</summary>
    public FeedState With(StoreMembers members, DateTimeOffset now) => this with { At = now, Members = members };
}
