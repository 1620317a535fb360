namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Ends parsing or execution; <see cref="GoTemplate"/> turns it into its one-line error.</summary>
/// <param name="problem">What was found and what was wanted.</param>
/// <param name="position">Where in the template, from zero; null where only the caller knows.</param>
internal sealed class TemplateException(string problem, int? position = null) : Exception(problem)
{
    /// <summary>Where in the template, from zero; null where only the caller knows.</summary>
    public int? Position { get; } = position;

    /// <summary>The error as users see it, on one line, counting characters from one.</summary>
    public string Line => Position is { } at ? $"character {at + 1}: {Message}" : Message;
}
