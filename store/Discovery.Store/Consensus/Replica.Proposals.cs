using Discovery.EtcdApi;
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
}
