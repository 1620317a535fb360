namespace Discovery.Simulator.Workload;

/// <summary>All that clients did and saw in one seed.</summary>
internal sealed class ClientRecords
{
    /// <summary>Calls in the order in which they were made.</summary>
    public List<ClientCall> Calls { get; } = [];

    /// <summary>Watches, each with what it was sent.</summary>
    public List<WatchRecord> Watches { get; } = [];
}
