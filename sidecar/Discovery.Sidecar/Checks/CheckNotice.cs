using System.Collections.Immutable;
using Discovery.Catalog;

namespace Discovery.Sidecar.Checks;

/// <summary>What became of a word about a TTL check.</summary>
internal enum WordOutcome
{
    /// <summary>It counts.</summary>
    Taken,

    /// <summary>The container has no check of this name, or is not known.</summary>
    NoSuchCheck,

    /// <summary>The check is one that the sidecar makes itself; nobody's word counts there.</summary>
    NotTtl,
}

/// <summary>What can happen to the loop that runs checks.</summary>
internal abstract record CheckNotice
{
    /// <summary>A time has come, or other checks are wanted: the loop looks at both after every notice.</summary>
    internal sealed record Wake : CheckNotice;

    /// <summary>A run has ended; without a result when it says nothing of the container.</summary>
    internal sealed record Ended(DueRun Run, CheckResult? Result, TimeSpan Latency) : CheckNotice;

    /// <summary>Somebody says how a TTL check stands.</summary>
    internal sealed record Word(CheckKey Key, Health Status, string Note, TaskCompletionSource<WordOutcome> Answer) : CheckNotice;

    /// <summary>Somebody asks for the checks of a container, or of all when it is null.</summary>
    internal sealed record Question(string? ContainerId, TaskCompletionSource<ImmutableArray<KeyValuePair<string, CheckReport>>> Answer) : CheckNotice;
}
