namespace Discovery.Sidecar.Mirrors;

/// <summary>How a mirror behaves, apart from where it is.</summary>
internal sealed record MirrorOptions
{
    /// <summary>The host part of this host's ids: what of it is found and not wanted is removed.</summary>
    public required string Host { get; init; }

    /// <summary>registrator's <c>-ttl</c>: how long entries outlive the last renewal, to the second. Zero: for ever.</summary>
    public TimeSpan Ttl { get; init; }

    /// <summary>registrator's <c>-ttl-refresh</c>: time between renewals, below the TTL; unused without one.</summary>
    public TimeSpan TtlRefresh { get; init; }

    /// <summary>Time between full comparisons. Default 30 s.</summary>
    public TimeSpan Resync { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether all is removed when the mirror stops. registrator never does: what it wrote stays, or goes with its TTL.</summary>
    public bool RemoveOnExit { get; init; }

    /// <summary>The TTL as backends take it.</summary>
    public int TtlSeconds => (int)Math.Ceiling(Ttl.TotalSeconds);
}
