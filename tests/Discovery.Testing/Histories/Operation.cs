using Google.Protobuf;

namespace Discovery.Testing.Histories;

/// <summary>What a client asks.</summary>
public enum OperationKind
{
    /// <summary>A linearizable read of one key.</summary>
    Get,

    /// <summary>A write.</summary>
    Put,

    /// <summary>A delete of one key.</summary>
    Delete,

    /// <summary>A transaction: write if the key has the expected value (or is absent), else read it.</summary>
    CompareAndSwap,
}

/// <summary>How a call ended for the client.</summary>
public enum Outcome
{
    /// <summary>Answered.</summary>
    Ok,

    /// <summary>Certainly without effect, now and later.</summary>
    Failed,

    /// <summary>It may have taken effect, or may still do so.</summary>
    Unknown,
}

/// <summary>One call of one client, as the client saw it. Values are unique, so that each write can be told in the store's history.</summary>
public sealed record Operation
{
    /// <summary>The client; its calls follow one another.</summary>
    public required int Client { get; init; }

    /// <summary>What was asked.</summary>
    public required OperationKind Kind { get; init; }

    /// <summary>The key.</summary>
    public required string Key { get; init; }

    /// <summary>What a <see cref="OperationKind.CompareAndSwap"/> wants to find; null for an absent key.</summary>
    public string? Expected { get; init; }

    /// <summary>What a put or a swap writes.</summary>
    public string? Value { get; init; }

    /// <summary>When the call was made, in ticks of one clock of the machine.</summary>
    public required long Called { get; init; }

    /// <summary>When it ended, on the same clock, however it ended.</summary>
    public long Returned { get; init; }

    /// <summary>How it ended.</summary>
    public Outcome Outcome { get; init; }

    /// <summary>The member that was asked.</summary>
    public required string Member { get; init; }

    /// <summary>The store's revision in the answer: for what changed something, that of the change.</summary>
    public long Revision { get; init; }

    /// <summary>Whether a delete found the key, or a swap the expected value; true for an answered put.</summary>
    public bool HasChanged { get; init; }

    /// <summary>What a get or a refused swap found; null for an absent key.</summary>
    public string? Found { get; init; }

    /// <summary>The error's code and text.</summary>
    public string? Error { get; init; }

    /// <summary>What was sent, for other checks than ours.</summary>
    public IMessage? Request { get; init; }

    /// <summary>What was answered.</summary>
    public IMessage? Response { get; init; }

    /// <summary>Whether an answered call changed the store.</summary>
    public bool IsChange => Outcome == Outcome.Ok && HasChanged;

    /// <summary>For messages: values are long, their beginning is what is unique.</summary>
    public override string ToString() =>
        $"client {Client} {Kind} {Key} {Short(Expected)}{(Kind == OperationKind.CompareAndSwap ? " -> " : "")}{Short(Value)} at {Member}: {Outcome}"
        + (Outcome == Outcome.Ok ? $", revision {Revision}, {(HasChanged ? "changed" : $"found {Short(Found) ?? "nothing"}")}" : $", {Error}")
        + $" [{Called}, {Returned}]";

    private static string? Short(string? value) => value?.Split('.')[0];
}

/// <summary>One change in the store's own history, as a watch tells it.</summary>
/// <param name="Revision">Its revision.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">Null for a delete.</param>
public sealed record Change(long Revision, string Key, string? Value);
