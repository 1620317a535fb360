namespace Discovery.Testing;

/// <summary>What a cluster is started with; all but the engine has a default.</summary>
public sealed record ClusterOptions
{
    /// <summary>Ours or Debian's etcd.</summary>
    public required StoreEngine Engine { get; init; }

    /// <summary>Members at the start, named m1, m2 and so on.</summary>
    public int Members { get; init; } = 3;

    /// <summary>A host for each member, in order; null puts all on loopback.</summary>
    public ClusterNetwork? Network { get; init; }

    /// <summary>Whether each member's advertised peer URL is that of a <see cref="FaultRelay"/> before it.</summary>
    public bool IsRelayed { get; init; }

    /// <summary>Where a member's data lies, by its name; the others' in the temporary folder.</summary>
    public IReadOnlyDictionary<string, string> DataFolders { get; init; } = new Dictionary<string, string>();

    /// <summary>Cores that the members may use, as taskset wants them; null for all.</summary>
    public string? Cores { get; init; }

    /// <summary>More flags for every member, such as other timeouts; the defaults are etcd's.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];
}
