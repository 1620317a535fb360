namespace Discovery.Simulator.Checks;

/// <summary>A revision that is known to lie between two, both included; one that is known is both.</summary>
internal readonly record struct RevisionBounds(long Min, long Max)
{
    public static RevisionBounds Exactly(long revision) => new(revision, revision);

    public static RevisionBounds From(long min) => new(min, long.MaxValue);

    public bool IsExact => Min == Max;

    public bool Contains(long revision) => revision >= Min && revision <= Max;

    /// <inheritdoc/>
    public override string ToString() => IsExact ? $"{Min}" : Max == long.MaxValue ? $"at least {Min}" : $"{Min} to {Max}";
}

/// <summary>
/// What one key may be. After writes whose answers are unknown their revisions are known only as bounds, until a read
/// tells them.
/// </summary>
/// <param name="Value">The value's number in the partition; 0 when there is none.</param>
/// <param name="Version">Puts since it was created; 0 when it is absent.</param>
/// <param name="Created">create_revision.</param>
/// <param name="Modified">mod_revision.</param>
internal readonly record struct KeyModel(int Value, long Version, RevisionBounds Created, RevisionBounds Modified)
{
    /// <summary>No such key; conditions see zeros.</summary>
    public static readonly KeyModel Absent;

    public bool IsAbsent => Version == 0;
}

/// <summary>
/// One possible state of a partition's keys at one place of the order. Never changed; a step makes another.
/// </summary>
/// <param name="Keys">By the key's number in the partition.</param>
/// <param name="Floor">The revision that the store has reached at least.</param>
internal sealed record PartitionState(KeyModel[] Keys, long Floor)
{
    /// <summary>A fingerprint of 128 bits: two different states of one search have the same by a chance of about 1 in 10^26.</summary>
    public UInt128 Fingerprint()
    {
        var hash = new Fingerprint();
        hash.Add((ulong)Floor);
        foreach (KeyModel key in Keys)
        {
            hash.Add((ulong)key.Value);
            hash.Add((ulong)key.Version);
            hash.Add((ulong)key.Created.Min);
            hash.Add((ulong)key.Created.Max);
            hash.Add((ulong)key.Modified.Min);
            hash.Add((ulong)key.Modified.Max);
        }

        return hash.Value;
    }
}
