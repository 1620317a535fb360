using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Keyspace;

namespace Discovery.Store.Consensus;

/// <summary>How proposals get to a leader: this member, or another by <see cref="Forward"/>.</summary>
internal sealed partial class Replica
{
    private readonly Dictionary<ulong, ulong> _lastBatches = [];
    private readonly List<ReadOnlyMemory<byte>> _held = [];
    private readonly List<ReadOnlyMemory<byte>> _batch = [];
    private ulong _lastBatch;

    /// <summary>
    /// Judges a command before anybody waits, and makes it a request to be entered. Null when it is refused. From any
    /// thread.
    /// </summary>
    /// <param name="command">What is to be applied.</param>
    /// <param name="isDiskFull">Whether there is no room for what grows the keyspace.</param>
    /// <param name="refused">Why; null when it is not.</param>
    public Proposal? Admit(Command command, bool isDiskFull, out EtcdError? refused)
    {
        refused = RequestRules.Check(command, _options.MaxTxnOps);
        if (refused is not null)
        {
            return null;
        }

        if (command.Request is LeaseGrantRequest grant)
        {
            command = command with { Request = Complete(grant) };
        }

        Proposal proposal = NewProposal(command);
        int bytes = proposal.Payload.Length;
        refused = bytes > _options.MaxRequestBytes ? EtcdError.RequestTooLarge
            : RequestRules.Grows(command) && (isDiskFull || _view.LiveBytes + bytes > Quota) ? EtcdError.NoSpace
            : null;
        return refused is null ? proposal : null;
    }

    private void Place()
    {
        if (_node.Role == RaftRole.Leader)
        {
            PlaceHeld();
            PlaceHere();
            ChangeMembers();
        }
        else if (_node.Leader is { } leader)
        {
            PlaceWith(leader);
        }
        else
        {
            // Only lets go of what timed out; the rest waits for a leader.
            _ = _proposals.TryPeek(out _);
        }
    }

    private void PlaceHere()
    {
        while (_proposals.TryPeek(out Proposal? next))
        {
            if (ChangesMembers(next.Command))
            {
                if (TryQueueChange(new MemberChange(next.Payload)) is { } refused)
                {
                    _proposals.Refuse(refused);
                }
                else
                {
                    _proposals.Placed(_node.Term);
                }

                continue;
            }

            switch (_node.TryPropose(next.Payload, out _))
            {
                case ProposalOutcome.Accepted:
                    _proposals.Placed(_node.Term);
                    break;
                case ProposalOutcome.Busy:
                    _proposals.Refuse(EtcdError.TooManyRequests);
                    break;
                default:
                    return;
            }
        }
    }

    private void PlaceWith(NodeId leader)
    {
        int bytes = 0;
        while (_proposals.TryPeek(out Proposal? next))
        {
            _proposals.Placed(_node.Term);
            _batch.Add(next.Payload);
            bytes += next.Payload.Length;
            if (bytes >= Limits.ForwardBytesMax || _batch.Count >= Limits.ForwardCommandsMax)
            {
                FlushForward(leader);
                bytes = 0;
            }
        }

        FlushForward(leader);
    }

    private void FlushForward(NodeId leader)
    {
        if (_batch.Count > 0)
        {
            Send?.Invoke(new Forward(Self, leader, _node.Term, _instance, ++_lastBatch, _batch.ToArray()));
            _batch.Clear();
        }
    }

    /// <summary>
    /// Puts a follower's commands in the log. Only in the term that they were meant for, and each batch once: a repeated
    /// message must not become a second write.
    /// </summary>
    private void TakeForwarded(Forward forward)
    {
        if (_node.Role != RaftRole.Leader
            || forward.Term != _node.Term
#if MUTANTS
            || (forward.Batch <= _lastBatches.GetValueOrDefault(forward.Instance) && !StoreMutant.ForwardedTwice.IsPlanted()))
#else
            || forward.Batch <= _lastBatches.GetValueOrDefault(forward.Instance))
#endif
        {
            return;
        }

        _lastBatches[forward.Instance] = forward.Batch;
        List<ulong>? refused = null;
        foreach (ReadOnlyMemory<byte> payload in forward.Commands)
        {
            if (payload.Span[0] == (byte)CommandKind.Member && ChangesMembers(CommandCodec.Decode(payload.Span, out _)))
            {
                if (TryQueueChange(new MemberChange(payload, forward.From)) is { } error)
                {
                    Refuse(forward.From, [CommandCodec.ProposalOf(payload.Span).Sequence], error);
                }

                continue;
            }

            switch (_node.TryPropose(payload, out _))
            {
                case ProposalOutcome.Busy:
                    (refused ??= []).Add(CommandCodec.ProposalOf(payload.Span).Sequence);
                    break;
                case ProposalOutcome.HandingOver:
                    _held.Add(payload);
                    break;
            }
        }

        if (refused is not null)
        {
            Refuse(forward.From, refused, EtcdError.TooManyRequests);
        }
    }

    /// <summary>What came in during a handover that came to nothing. When it succeeds, the proposers propose again.</summary>
    private void PlaceHeld()
    {
        int placed = 0;
        while (placed < _held.Count && _node.TryPropose(_held[placed], out _) == ProposalOutcome.Accepted)
        {
            placed++;
        }

        _held.RemoveRange(0, placed);
    }

    private void Refuse(NodeId to, IReadOnlyList<ulong> sequences, EtcdError error) =>
        Send?.Invoke(new ForwardRefused(Self, to, sequences, error));

    private long Quota => _options.QuotaBackendBytes == 0 ? Limits.QuotaBytesDefault : _options.QuotaBackendBytes;

    private Proposal NewProposal(in Command command)
    {
        ulong sequence = Interlocked.Increment(ref _lastSequence);
        return new Proposal(command, sequence, CommandCodec.Encode(command, new ProposalId(_instance, sequence)));
    }

    /// <summary>The log must say what every member is to do: the id and TTL are chosen here, not at apply.</summary>
    private LeaseGrantRequest Complete(LeaseGrantRequest grant)
    {
        // etcd: one and a half election timeouts, or a lease could end during an election.
        long ttlMin = (long)Math.Ceiling(_options.ElectionTimeout.TotalSeconds * 1.5);
        long id = grant.ID == 0 ? Interlocked.Increment(ref _lastLeaseId) & long.MaxValue : grant.ID;
        return new LeaseGrantRequest { ID = id, TTL = Math.Max(grant.TTL, ttlMin) };
    }
}
