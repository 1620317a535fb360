using Discovery.EtcdApi;
using Google.Protobuf;

namespace Discovery.Simulator.Workload;

/// <summary>How a call ended, as the client knows it.</summary>
internal enum Outcome
{
    /// <summary>Nobody knows yet.</summary>
    Pending,

    /// <summary>The member answered what was asked.</summary>
    Answered,

    /// <summary>The member answered with an error that says that nothing happened.</summary>
    Failed,

    /// <summary>It may have happened, may yet happen, or never.</summary>
    Unknown,
}

/// <summary>One call of a client, with its beginning and end in simulated time: what the checkers judge.</summary>
/// <param name="Client">Who called; a client makes one call at a time.</param>
/// <param name="Member">Whom it called.</param>
/// <param name="Request">etcd's request message.</param>
/// <param name="Called">When.</param>
internal sealed record ClientCall(int Client, string Member, IMessage Request, TimeSpan Called)
{
    /// <summary>When the client knew the outcome; nobody else orders calls.</summary>
    public TimeSpan Returned { get; set; } = TimeSpan.MaxValue;

    public Outcome Outcome { get; set; }

    /// <summary>etcd's response message when answered.</summary>
    public IMessage? Response { get; set; }

    /// <summary>The member's error, when it gave one.</summary>
    public EtcdError? Error { get; set; }
}
