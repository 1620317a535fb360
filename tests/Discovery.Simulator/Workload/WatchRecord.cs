using Discovery.EtcdApi.Messages;

namespace Discovery.Simulator.Workload;

/// <summary>One watch of one stream, from its creation to its end. A watch that is resumed elsewhere is another one.</summary>
/// <param name="Client">Whose watch.</param>
/// <param name="Member">Who served it.</param>
/// <param name="Request">What was asked for.</param>
/// <param name="Asked">When.</param>
internal sealed record WatchRecord(int Client, string Member, WatchCreateRequest Request, TimeSpan Asked)
{
    /// <summary>The watch that this one goes on from; null when it is the first.</summary>
    public WatchRecord? Resumes { get; init; }

    /// <summary>Answers in the order of their arrival, the one that says "created" first.</summary>
    public List<(TimeSpan At, WatchResponse Response)> Responses { get; } = [];

    /// <summary>The revision to resume from: after all that was seen.</summary>
    public long Next { get; set; } = Request.StartRevision;

    /// <summary>Whether the client still listens when the history ends: then all up to the end must have come.</summary>
    public bool IsOpen { get; set; }
}
