using System.Collections.Immutable;

namespace Discovery.Sidecar.Registration;

/// <summary>What the loop knows, immutable, for everyone who asks.</summary>
internal sealed record AgentStatus
{
    /// <summary>Why the engine does not answer; null while it does.</summary>
    public string? EngineProblem { get; init; } = "not reached yet";

    /// <summary>Why the store does not answer; null while it does.</summary>
    public string? StoreProblem { get; init; } = "not asked yet";

    /// <summary>Whether all containers have been looked at since the start.</summary>
    public bool IsComplete { get; init; }

    /// <summary>Which host this is; null before the engine was reached.</summary>
    public HostIdentity? Host { get; init; }

    /// <summary>Every running container by id.</summary>
    public ImmutableSortedDictionary<string, ContainerVerdict> Containers { get; init; } =
        ImmutableSortedDictionary.Create<string, ContainerVerdict>(StringComparer.Ordinal);

    /// <summary>Instances in the store.</summary>
    public int Published { get; init; }

    /// <summary>When the last full diff ended.</summary>
    public DateTimeOffset? LastReconcile { get; init; }

    /// <summary>Full diffs since the start.</summary>
    public long Reconciles { get; init; }

    /// <summary>Inspections answered since the start.</summary>
    public long Inspections { get; init; }

    /// <summary>Transactions written since the start.</summary>
    public long Writes { get; init; }

    /// <summary>Why this host is not ready, a line each; empty when it is.</summary>
    public IEnumerable<string> Unready()
    {
        if (EngineProblem is not null)
        {
            yield return $"docker: {EngineProblem}";
        }

        if (StoreProblem is not null)
        {
            yield return $"store: {StoreProblem}";
        }

        if (!IsComplete)
        {
            yield return "the first full look at all containers is not done";
        }
    }
}
