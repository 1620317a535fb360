using System.Threading.Tasks.Sources;
using Discovery.EtcdApi;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Consensus;

/// <summary>Somebody waits for an answer of the loop. Answered exactly once, by the loop; whoever waits goes on elsewhere.</summary>
internal abstract class Request
{
    /// <summary>When the loop took it up; what waits longer than <see cref="Limits.RequestTimeout"/> is answered so.</summary>
    public TimeSpan Since { get; set; }

    /// <summary>Whether it was answered already, by a timeout.</summary>
    public bool IsAnswered { get; protected set; }

    /// <summary>Ends it without what was asked for.</summary>
    public abstract void Fail(EtcdError error);
}

/// <summary>A request with an answer; the request is its own awaitable, so a wait costs one object.</summary>
internal abstract class Request<T> : Request, IValueTaskSource<T>
{
    private ManualResetValueTaskSourceCore<T> _source = new() { RunContinuationsAsynchronously = true };

    /// <summary>To be awaited once.</summary>
    public ValueTask<T> Answer => new(this, _source.Version);

    public void Complete(T answer)
    {
        if (!IsAnswered)
        {
            IsAnswered = true;
            _source.SetResult(answer);
        }
    }

    T IValueTaskSource<T>.GetResult(short token) => _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<T>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<T>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    protected void Throw(Exception e)
    {
        if (!IsAnswered)
        {
            IsAnswered = true;
            _source.SetException(e);
        }
    }
}

/// <summary>A command to be committed and applied. The payload is its bytes, made by the thread that asked.</summary>
internal sealed class Proposal(Command command, ulong sequence, byte[] payload) : Request<CommandResult>
{
    public Command Command { get; } = command;

    /// <summary>Which request of this process it is (<see cref="ProposalId.Sequence"/>).</summary>
    public ulong Sequence { get; } = sequence;

    public byte[] Payload { get; } = payload;

    /// <summary>The term in which it was given to a leader; 0 while it waits for one.</summary>
    public ulong PlacedIn { get; set; }

    public override void Fail(EtcdError error) => Complete(CommandResult.Failed(error));
}

/// <summary>A read waits until the state holds all that was committed when it asked; null means it does.</summary>
internal sealed class ReadBarrier : Request<EtcdError?>
{
    public override void Fail(EtcdError error) => Complete(error);
}

/// <summary>
/// Seconds that a lease has, by the leader's clock. Renewed: its TTL, 0 when there is no such lease. Only asked: the
/// seconds left, -1 when there is no such lease.
/// </summary>
internal sealed class LeaseRequest(long leaseId, bool renew) : Request<long>
{
    public long LeaseId { get; } = leaseId;

    /// <summary>Give it its full time again; else only ask.</summary>
    public bool Renew { get; } = renew;

    public override void Fail(EtcdError error) => Throw(error.ToException());
}

/// <summary>Leadership is to go to another member; null means it is on its way.</summary>
internal sealed class Handover(ulong to) : Request<EtcdError?>
{
    /// <summary>Instead of a member: whichever has most of the log. Nothing happens when there is no other voter.</summary>
    public const ulong ToBest = 0;

    public ulong To { get; } = to;

    public override void Fail(EtcdError error) => Complete(error);
}
