namespace Discovery.Catalog.Programs;

/// <summary>A time that shows itself as it is typed: <c>15s</c>.</summary>
public readonly record struct Duration(TimeSpan Time)
{
    /// <inheritdoc/>
    public override string ToString() => Flags.Format(Time);

    /// <summary>The time itself.</summary>
    public static implicit operator TimeSpan(Duration duration) => duration.Time;
}
