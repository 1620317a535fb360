namespace Discovery.Raft;

/// <summary>A member of the cluster; above 0, never used again once the member is gone.</summary>
public readonly record struct NodeId(ulong Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Value:x16}";
}

/// <summary>
/// Where an entry stands in the log. Two logs that hold the same id hold the same entries up to it (Raft §5.3); the
/// greater of two last ids is the more up-to-date log (§5.4.1).
/// </summary>
public readonly record struct EntryId(ulong Term, ulong Index) : IComparable<EntryId>
{
    /// <summary>Term first, then index.</summary>
    public int CompareTo(EntryId other) => Term != other.Term ? Term.CompareTo(other.Term) : Index.CompareTo(other.Index);

    /// <summary>Whether the left log is less up-to-date.</summary>
    public static bool operator <(EntryId left, EntryId right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left log is more up-to-date.</summary>
    public static bool operator >(EntryId left, EntryId right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left log is at most as up-to-date.</summary>
    public static bool operator <=(EntryId left, EntryId right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left log is at least as up-to-date.</summary>
    public static bool operator >=(EntryId left, EntryId right) => left.CompareTo(right) >= 0;

    /// <inheritdoc/>
    public override string ToString() => $"{Term}.{Index}";
}
