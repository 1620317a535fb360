namespace Discovery.Store.Log;

/// <summary>A place where a log is not what it was when it was written.</summary>
/// <param name="Path">The file, as an operator would name it.</param>
/// <param name="Offset">Bytes from its start.</param>
/// <param name="Found">What is there.</param>
/// <param name="Wanted">What should be there.</param>
internal sealed record WalProblem(string Path, long Offset, string Found, string Wanted)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}, offset {Offset}: found {Found}, wanted {Wanted}";
}

/// <summary>
/// The disk lost something that the member had promised to keep. Its peers have it: a majority held it when it was
/// acknowledged. Until the member has it again it must neither vote nor be counted, or what it forgot could be lost.
/// </summary>
/// <param name="Problem">The first place that cannot be read.</param>
/// <param name="Lost">What stood there, as far as can be known.</param>
internal sealed record WalDamage(WalProblem Problem, string Lost)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Problem}; lost: {Lost}";
}
