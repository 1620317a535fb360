namespace Discovery.Testing.Histories;

/// <summary>What a <see cref="ClusterLoad"/> does.</summary>
public sealed record LoadOptions
{
    /// <summary>Before every key.</summary>
    public string Prefix { get; init; } = "/load/";

    /// <summary>Clients at once.</summary>
    public int Clients { get; init; } = 8;

    /// <summary>Keys that they share.</summary>
    public int Keys { get; init; } = 10;

    /// <summary>Bytes of a value.</summary>
    public int ValueBytes { get; init; } = 256;

    /// <summary>Between two calls of one client: the load is steady, and the machine has other work.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(15);

    /// <summary>The shortest deadline of a call.</summary>
    public TimeSpan TimeoutMin { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest deadline of a call.</summary>
    public TimeSpan TimeoutMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Decides every operation, not their order in time.</summary>
    public int Seed { get; init; } = Random.Shared.Next();
}
