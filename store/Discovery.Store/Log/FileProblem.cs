namespace Discovery.Store.Log;

/// <summary>A place where a file is not what it was when it was written.</summary>
/// <param name="Path">The file, as an operator would name it.</param>
/// <param name="Offset">Bytes from its start.</param>
/// <param name="Found">What is there.</param>
/// <param name="Wanted">What should be there.</param>
internal sealed record FileProblem(string Path, long Offset, string Found, string Wanted)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}, offset {Offset}: found {Found}, wanted {Wanted}";
}
