namespace Discovery.Proxy.Routing;

/// <summary>One way in that is served: requests to this host and below this path go to the service.</summary>
/// <param name="Host">Lower case, without port.</param>
/// <param name="Path">Starts with a slash and does not end with one; empty for every path.</param>
/// <param name="Service">Where requests go.</param>
/// <param name="Priority">Among the routes of the host that match a request the highest wins, then the longest path.</param>
/// <param name="Source">What asked for it, such as <c>label discovery.host</c>.</param>
internal sealed record Route(string Host, string Path, string Service, int Priority, string Source);

/// <summary>A route that is not served, and why.</summary>
/// <param name="Service">Whose route.</param>
/// <param name="Host">The host as it was asked for.</param>
/// <param name="Path">The path as it was asked for; empty for every path.</param>
/// <param name="Source">What asked for it.</param>
/// <param name="Reason">What was found and what was wanted.</param>
internal sealed record RouteProblem(string Service, string Host, string Path, string Source, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Service}: {Host}{Path}: {Reason}";
}

/// <summary>A service's wish for a host and path; it is served if no better claim to both exists.</summary>
/// <param name="Route">What is wished for.</param>
/// <param name="RegisteredAt">Since when: the oldest of the instances that ask. Null (not told) counts as youngest.</param>
internal sealed record Claim(Route Route, DateTimeOffset? RegisteredAt) : IComparable<Claim>
{
    /// <summary>The better claim first: explicit priority, then the older registration, then the name.</summary>
    public int CompareTo(Claim? other)
    {
        if (other is null)
        {
            return -1;
        }

        int order = other.Route.Priority.CompareTo(Route.Priority);
        order = order != 0 ? order : (RegisteredAt ?? DateTimeOffset.MaxValue).CompareTo(other.RegisteredAt ?? DateTimeOffset.MaxValue);
        return order != 0 ? order : string.CompareOrdinal(Route.Service, other.Route.Service);
    }
}
