namespace Discovery.Simulator.Network;

/// <summary>What a way from one member to another is like now.</summary>
internal sealed class LinkFaults
{
    /// <summary>Nothing arrives.</summary>
    public bool IsCut { get; set; }

    /// <summary>Nothing arrives, whatever is mended, until everything is.</summary>
    public bool IsSevered { get; set; }

    /// <summary>Nothing arrives until it is unclogged; then all of it does.</summary>
    public bool IsClogged { get; set; }

    /// <summary>Probability that a message is lost.</summary>
    public double Loss { get; set; }

    /// <summary>Probability that a message arrives twice.</summary>
    public double Duplication { get; set; }

    /// <summary>Probability that a message is overtaken by later ones.</summary>
    public double Reordering { get; set; }

    /// <summary>Added to each message's time.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Bytes a second.</summary>
    public double Bandwidth { get; set; } = NetworkLimits.Bandwidth;

    public void Clear()
    {
        (IsCut, IsSevered, Loss, Duplication, Reordering, Delay, Bandwidth) = (false, false, 0, 0, 0, TimeSpan.Zero, NetworkLimits.Bandwidth);
    }
}
