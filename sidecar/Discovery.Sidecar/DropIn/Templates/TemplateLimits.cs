namespace Discovery.Sidecar.DropIn.Templates;

/// <summary>Every bound of the <c>-tags</c> template; reaching one ends parsing or execution with an error.</summary>
internal static class TemplateLimits
{
    /// <summary>Characters of a template. A command line's own bound is 128 KiB per argument.</summary>
    public const int Template = 16 * 1024;

    /// <summary>Parentheses and blocks within each other, an <c>else if</c> counting as one.</summary>
    public const int Nesting = 64;

    /// <summary>Characters written by one execution.</summary>
    public const int Output = 64 * 1024;

    /// <summary>Characters of any value that a function makes.</summary>
    public const int Value = 256 * 1024;

    /// <summary>
    /// Work of one execution: one for each action, command and turn of a loop, and one for every
    /// <see cref="CharactersPerStep"/> characters and each element that a function is given or makes.
    /// </summary>
    public const int Steps = 200_000;

    /// <summary>Characters that count as much as one command.</summary>
    public const int CharactersPerStep = 16;

    /// <summary>Largest width and precision in <c>printf</c>; Go takes a million.</summary>
    public const int FormatWidth = 1_000;

    /// <summary>Characters of a regular expression.</summary>
    public const int Pattern = 1_000;

    /// <summary>Different addresses that <c>httpGet</c> asks in one execution; each is asked once.</summary>
    public const int HttpCalls = 4;

    /// <summary>Bytes of one answer to <c>httpGet</c>.</summary>
    public const int HttpBody = 64 * 1024;

    /// <summary>How long one <c>httpGet</c> may take, its answer's body included; registrator waits as long.</summary>
    public static readonly TimeSpan HttpTimeout = TimeSpan.FromSeconds(10);
}
