using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Proxy.Routing;

/// <summary>A service's destinations, and the choice among them; immutable, replaced when an instance changes.</summary>
internal sealed class Cluster
{
    private readonly Destination[] _available;

    // Running sums of the weights; null while all are equal, which is the common case and the cheaper choice.
    private readonly int[]? _weightSums;

    /// <summary>The cluster of a service, with the traffic of those instances that were in the one before.</summary>
    public Cluster(Service service, Cluster? before)
    {
        Service = service.Name;
        Destinations = service.ByKey
            .Where(static pair => pair.Value.Protocol == "tcp")
            .ToImmutableSortedDictionary(
                static pair => pair.Key,
                pair => before?.Destinations.GetValueOrDefault(pair.Key)?.With(pair.Value) ?? new(pair.Value, new()),
                StringComparer.Ordinal);

        Destination[] takers = [.. Destinations.Values.Where(static d => d.Instance.TakesRequests)];
        Destination[] weighted = [.. takers.Where(static d => d.Instance.Weight > 0)];

        // Weight 0 means "only when nobody else is there".
        _available = weighted.Length > 0 ? weighted : takers;
        if (weighted.Length > 0 && weighted.Any(d => d.Instance.Weight != weighted[0].Instance.Weight))
        {
            int sum = 0;
            _weightSums = [.. weighted.Select(d => sum += d.Instance.Weight)];
        }
    }

    /// <summary>Whose destinations.</summary>
    public string Service { get; }

    /// <summary>All instances that speak TCP, by their key in the store.</summary>
    public ImmutableSortedDictionary<string, Destination> Destinations { get; }

    /// <summary>Those that take requests: healthy, active, with a weight if any has one.</summary>
    public ReadOnlySpan<Destination> Available => _available;

    /// <summary>
    /// Chooses: of two at random the one with fewer requests in flight per weight. Avoided ones are passed over unless
    /// all are avoided: a wrong suspicion must not take a service down. One that is due gets one request as a probe.
    /// </summary>
    /// <param name="random">Where chance comes from.</param>
    /// <param name="time">Tells whether one is still avoided.</param>
    /// <param name="tried">Those that this request failed on already; null for none.</param>
    /// <returns>No destination when none takes requests or all were tried.</returns>
    public Choice Choose(Random random, TimeProvider time, List<Destination>? tried)
    {
        if (_available.Length == 0)
        {
            return default;
        }

        if (tried is null)
        {
            (Destination one, Destination two) = TwoOf(random);
            Destination lighter = Lighter(one, two);
            if (lighter.Traffic.Standing(0) == Standing.Open)
            {
                return new(lighter, IsProbe: false);
            }
        }

        return ChooseAmongFailing(random, time, tried);
    }

    private Choice ChooseAmongFailing(Random random, TimeProvider time, List<Destination>? tried)
    {
        long now = time.GetTimestamp();
        var open = new List<Destination>(_available.Length);
        var others = new List<Destination>();
        foreach (Destination destination in _available)
        {
            if (tried?.Exists(t => ReferenceEquals(t.Traffic, destination.Traffic)) == true)
            {
                continue;
            }

            Standing standing = destination.Traffic.Standing(now);
            if (standing == Standing.Due && destination.Traffic.TryProbe(now, time))
            {
                return new(destination, IsProbe: true);
            }

            (standing == Standing.Open ? open : others).Add(destination);
        }

        List<Destination> candidates = open.Count > 0 ? open : others;
        return candidates.Count == 0
            ? default
            : new(Lighter(candidates[random.Next(candidates.Count)], candidates[random.Next(candidates.Count)]), IsProbe: false);
    }

    private (Destination One, Destination Two) TwoOf(Random random)
    {
        int count = _available.Length;
        if (count == 1)
        {
            return (_available[0], _available[0]);
        }

        if (_weightSums is not null)
        {
            return (_available[Weighted(random)], _available[Weighted(random)]);
        }

        int one = random.Next(count);
        int two = random.Next(count - 1);
        return (_available[one], _available[two < one ? two : two + 1]);
    }

    private int Weighted(Random random)
    {
        int at = Array.BinarySearch(_weightSums!, random.Next(_weightSums![^1]) + 1);
        return at < 0 ? ~at : at;
    }

    private static Destination Lighter(Destination one, Destination two)
    {
        if (ReferenceEquals(one, two))
        {
            return one;
        }

        // (a + 1) / weight(a) against (b + 1) / weight(b), without dividing.
        long oneLoad = (one.Traffic.InFlight + 1L) * Math.Max(1, two.Instance.Weight);
        long twoLoad = (two.Traffic.InFlight + 1L) * Math.Max(1, one.Instance.Weight);
        return oneLoad <= twoLoad ? one : two;
    }
}

/// <summary>Where a request goes.</summary>
/// <param name="Destination">Null when there is nowhere to go.</param>
/// <param name="IsProbe">Whether this request finds out if an avoided instance is back.</param>
internal readonly record struct Choice(Destination? Destination, bool IsProbe);
