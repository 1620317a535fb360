namespace Discovery.Simulator.Network;

/// <summary>What the simulated network is like when nothing is wrong.</summary>
internal static class NetworkLimits
{
    /// <summary>Bytes a second: a gigabit.</summary>
    public const double Bandwidth = 125_000_000;

    /// <summary>The least time that a message takes within one network.</summary>
    public static readonly TimeSpan LatencyMin = TimeSpan.FromMicroseconds(80);

    /// <summary>What is added to it on average: switches, kernels, schedulers.</summary>
    public static readonly TimeSpan JitterMean = TimeSpan.FromMicroseconds(120);

    /// <summary>How much later than others a message comes that they overtake, at most.</summary>
    public static readonly TimeSpan OvertakenMax = TimeSpan.FromMilliseconds(300);

    /// <summary>The part of those that come later still.</summary>
    public const double LateProbability = 0.2;

    /// <summary>How much later those come, at most: after elections that the sender knew nothing of.</summary>
    public static readonly TimeSpan LateMax = TimeSpan.FromSeconds(4);
}
