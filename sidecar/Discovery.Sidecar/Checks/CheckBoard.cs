using Discovery.Catalog;

namespace Discovery.Sidecar.Checks;

/// <summary>How an instance is by its checks.</summary>
/// <param name="Health">The worst of them.</param>
/// <param name="Checks">As they go into the record.</param>
/// <param name="IsDeregistered">Whether one of them has been critical for so long that the instance is out of the catalog.</param>
internal sealed record InstanceHealth(Health Health, EquatableArray<InstanceCheck> Checks, bool IsDeregistered);

/// <summary>
/// The last word of every check, for the loop that writes records: it owns this, hands it each <see cref="CheckChange"/>,
/// and reads it when it judges a container. Pure.
/// </summary>
internal sealed class CheckBoard
{
    private readonly Dictionary<string, Card> _cards = new(StringComparer.Ordinal);

    /// <summary>The container runs; after another start everything said before is forgotten. To be called beside <see cref="CheckRunner.Set"/>.</summary>
    /// <param name="containerId">Docker's full id.</param>
    /// <param name="startedAt">When this run of it began.</param>
    /// <param name="known">What <see cref="CheckRunner.Set"/> was given.</param>
    public void Set(string containerId, DateTimeOffset? startedAt, IEnumerable<InstanceCheck>? known = null)
    {
        if (!_cards.TryGetValue(containerId, out Card? card) || card.StartedAt != startedAt)
        {
            _cards[containerId] = card = new(startedAt);
            foreach (InstanceCheck check in known ?? [])
            {
                card.Words[check.Name] = (check, false);
            }
        }
    }

    /// <summary>The container is gone.</summary>
    public void Remove(string containerId) => _cards.Remove(containerId);

    /// <summary>A check has changed.</summary>
    /// <returns>False when that concerns an earlier run of the container, or one that is gone.</returns>
    public bool Apply(CheckChange change)
    {
        if (!_cards.TryGetValue(change.ContainerId, out Card? card) || card.StartedAt != change.StartedAt)
        {
            return false;
        }

        card.Words[change.Check.Name] = (change.Check, change.IsDeregistered);
        return true;
    }

    /// <summary>The health of the instance behind a port.</summary>
    /// <param name="containerId">Docker's full id.</param>
    /// <param name="set">The container's checks.</param>
    /// <param name="port">The container's port.</param>
    /// <param name="healthcheck">The HEALTHCHECK's word; null when there is none.</param>
    public InstanceHealth Of(string containerId, CheckSet set, int port, InstanceCheck? healthcheck)
    {
        Card? card = _cards.GetValueOrDefault(containerId);
        var checks = new List<InstanceCheck>();
        bool isDeregistered = false;
        if (healthcheck is not null && set.CountsHealthcheck)
        {
            checks.Add(healthcheck);
        }

        foreach (CheckSpec spec in set.Of(port))
        {
            // A check that is made in another way than the one that spoke has not spoken.
            bool hasSpoken = card is not null && card.Words.TryGetValue(spec.Name, out var found) && found.Check.Type == spec.TypeName;
            (InstanceCheck check, bool isOut) = hasSpoken ? card!.Words[spec.Name] : (spec.Before, false);
            checks.Add(check);
            isDeregistered |= isOut && spec.DeregisterAfter is not null;
        }

        return new(Worst(checks), checks.ToEquatableArray(), isDeregistered);
    }

    /// <summary>Whoever fails is worse than who has not answered yet, and that one is worse than who complains.</summary>
    public static Health Worst(IEnumerable<InstanceCheck> checks) =>
        checks.Select(static c => c.Status).DefaultIfEmpty(Health.Passing).MaxBy(static s => s switch
        {
            Health.Critical => 3,
            Health.Starting => 2,
            Health.Warning => 1,
            _ => 0,
        });

    private sealed class Card(DateTimeOffset? startedAt)
    {
        public DateTimeOffset? StartedAt { get; } = startedAt;

        public Dictionary<string, (InstanceCheck Check, bool IsDeregistered)> Words { get; } = new(StringComparer.Ordinal);
    }
}
