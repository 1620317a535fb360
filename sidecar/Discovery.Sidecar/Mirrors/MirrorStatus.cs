using System.Collections.Immutable;

namespace Discovery.Sidecar.Mirrors;

/// <summary>Where one service stands in one backend, for <c>why</c>.</summary>
/// <param name="Key">Where it is, or is to be, written.</param>
/// <param name="IsWritten">Whether the backend holds it as it is wanted, as far as is known.</param>
/// <param name="Problem">Why it does not; null when it does or is only waiting for its turn.</param>
internal sealed record MirroredEntryStatus(string Key, bool IsWritten, string? Problem);

/// <summary>What a mirror knows, immutable, for everyone who asks.</summary>
internal sealed record MirrorStatus
{
    /// <summary>The problem before the first try.</summary>
    public const string NotReached = "not reached yet";

    /// <summary>What was wanted when this was true; null before the first try.</summary>
    public IReadOnlyList<MirroredService>? Of { get; init; }

    /// <summary>Why the backend does not answer; null while it does.</summary>
    public string? LastProblem { get; init; } = NotReached;

    /// <summary>When all that was wanted last stood in the backend; null before.</summary>
    public DateTimeOffset? LastInStep { get; init; }

    /// <summary>Whether all that is wanted now stands there.</summary>
    public bool IsInStep { get; init; }

    /// <summary>Every wanted service by id.</summary>
    public ImmutableSortedDictionary<string, MirroredEntryStatus> Entries { get; init; } =
        ImmutableSortedDictionary.Create<string, MirroredEntryStatus>(StringComparer.Ordinal);

    /// <summary>Entries written since the start.</summary>
    public long Puts { get; init; }

    /// <summary>Entries removed since the start.</summary>
    public long Removals { get; init; }
}
