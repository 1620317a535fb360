using System.Collections.Immutable;

namespace Discovery.Sidecar.Mirrors;

/// <summary>
/// What to do so that a backend holds what is wanted: wanted − found → puts, removals, and entries that are renewed no longer.
/// What is not ours is in none of them, unless it stands at a key that is wanted. Pure.
/// </summary>
internal sealed record MirrorPlan(
    ImmutableArray<MirrorEntry> Puts, ImmutableArray<FoundEntry> Removals, ImmutableArray<MirrorEntry> Releases)
{
    /// <summary>Whether the backend holds just what is wanted.</summary>
    public bool IsEmpty => Puts.IsEmpty && Removals.IsEmpty && Releases.IsEmpty;

    /// <summary>Compares all.</summary>
    /// <param name="wanted">By key.</param>
    /// <param name="found">By key, strangers' included.</param>
    /// <param name="written">What this process wrote and has not removed, by key: values as sent.</param>
    /// <param name="host">Whose ids are ours.</param>
    public static MirrorPlan Make(
        IReadOnlyDictionary<string, MirrorEntry> wanted,
        IReadOnlyDictionary<string, FoundEntry> found,
        IReadOnlyDictionary<string, MirrorEntry> written,
        string host)
    {
        var puts = ImmutableArray.CreateBuilder<MirrorEntry>();
        var releases = ImmutableArray.CreateBuilder<MirrorEntry>();
        foreach (MirrorEntry entry in wanted.Values)
        {
            FoundEntry? there = found.GetValueOrDefault(entry.Key);
            if (entry.IsLapsing)
            {
                if (there is { IsLasting: true } && written.GetValueOrDefault(entry.Key) is not { IsLapsing: true })
                {
                    releases.Add(entry);
                }
            }
            else if (there is null || there.Mark != entry.Mark || !there.IsLasting || IsChanged(entry, written))
            {
                puts.Add(entry);
            }
        }

        return new(
            [.. puts.OrderBy(static e => e.Key, StringComparer.Ordinal)],
            [.. found.Values
                .Where(there => !wanted.ContainsKey(there.Key) && IsOurs(there, written, host))
                .OrderBy(static e => e.Key, StringComparer.Ordinal)],
            [.. releases.OrderBy(static e => e.Key, StringComparer.Ordinal)]);
    }

    /// <summary>What cannot be read back may have changed since it was written; a lapsing entry that lives again is put again.</summary>
    private static bool IsChanged(MirrorEntry entry, IReadOnlyDictionary<string, MirrorEntry> written) =>
        written.GetValueOrDefault(entry.Key) is { } last && last != entry;

    /// <summary>
    /// Ours is what hangs on our lease, what has this host in its id, and what we wrote in this life and still stands as we wrote
    /// it: an id from <c>SERVICE_ID</c> names nobody, and another host may have taken the key since.
    /// </summary>
    private static bool IsOurs(FoundEntry there, IReadOnlyDictionary<string, MirrorEntry> written, string host) =>
        there.IsOurs
        || ServiceId.IsOfHost(there.Id, host)
        || written.GetValueOrDefault(there.Key)?.Mark == there.Mark;
}
