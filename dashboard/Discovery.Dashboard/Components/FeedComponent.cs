using Microsoft.AspNetCore.Components;

namespace Discovery.Dashboard.Components;

/// <summary>What shows the feed. The layout holds the circuit's one subscription and hands each state down.</summary>
public abstract class FeedComponent : ComponentBase
{
    /// <summary>All that is known, at one moment.</summary>
    [CascadingParameter]
    public FeedState Feed { get; set; } = null!;
}
