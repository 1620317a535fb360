namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>A function that templates may call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Fewest">How many arguments it takes at least.</param>
/// <param name="Most">How many it takes at most.</param>
/// <param name="Run">What it does.</param>
internal sealed record TemplateFunction(string Name, int Fewest, int Most, Func<FunctionCall, TemplateValue> Run)
{
    /// <summary>For <c>and</c> and <c>or</c>: the truth at which the arguments behind are not looked at.</summary>
    public bool? StopsAt { get; init; }

    /// <summary>How many arguments are wanted, for errors.</summary>
    public string Wanted => (Fewest, Most) switch
    {
        (_, int.MaxValue) => $"at least {Fewest}",
        var (fewest, most) when fewest == most => $"{fewest}",
        _ => $"{Fewest} to {Most}",
    };
}
