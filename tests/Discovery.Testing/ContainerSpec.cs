namespace Discovery.Testing;

/// <summary>What <c>docker run -d</c> is told.</summary>
public sealed record ContainerSpec
{
    /// <summary>The sample image, unless said otherwise.</summary>
    public string Image { get; init; } = SampleImage.Tag;

    /// <summary><c>--name</c>; unique within the engine.</summary>
    public required string Name { get; init; }

    /// <summary><c>-e</c>.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary><c>-l</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary><c>-P</c>: all exposed ports, each on a port of the host that Docker chooses.</summary>
    public bool PublishAll { get; init; } = true;

    /// <summary><c>--health-cmd</c>, run every half second; one failure is enough. Null = no check.</summary>
    public IReadOnlyList<string>? HealthCommand { get; init; }

    /// <summary><c>--restart always</c>.</summary>
    public bool RestartAlways { get; init; }
}
