using Discovery.EtcdApi;
using Discovery.EtcdApi.Messages;
using Discovery.Raft;
using Discovery.Store.Keyspace;
using Kind = Discovery.EtcdApi.Messages.MemberCommand.Types.Kind;

namespace Discovery.Store.Consensus;

/// <summary>
/// Changes of members, one at a time, in the order they were asked for. A new voter is a learner until it has caught up,
/// so that a member that never starts costs no majority; the leader promotes it by itself.
/// </summary>
internal sealed partial class Replica
{
    private readonly Queue<MemberChange> _changes = new();
    private Handover? _handover;
    private TimeSpan _nextPublish;

    private NodeId Self => new(_identity.MemberId);

    private static bool ChangesMembers(in Command command) =>
        command.Request is MemberCommand { Kind: Kind.Add or Kind.Remove or Kind.Promote };

    /// <summary>Null when it is queued.</summary>
    private EtcdError? TryQueueChange(MemberChange change)
    {
        if (_changes.Count >= Limits.MemberChangesMax)
        {
            return EtcdError.TooManyRequests;
        }

        _changes.Enqueue(change);
        return null;
    }

    private void ChangeMembers()
    {
        while (_changes.TryPeek(out MemberChange next) && _node.Role == RaftRole.Leader)
        {
            // Judged on the members as they are when the change before it is done.
            if (IsChangingMembers)
            {
                return;
            }

            var command = (MemberCommand)CommandCodec.Decode(next.Payload.Span, out ProposalId id).Request;
            if ((MemberRules.Check(_keyspace.Members, command) ?? CheckAsLeader(command)) is { } refused)
            {
                _changes.Dequeue();
                Refuse(next, id, refused);
                continue;
            }

            if (ProposeChange(command, next.Payload) != ProposalOutcome.Accepted)
            {
                return;
            }

            _changes.Dequeue();
        }
    }

    /// <summary>
    /// Whether the last change is not applied here yet, or this term has committed nothing (a leader does not know before
    /// that what its members are).
    /// </summary>
    private bool IsChangingMembers =>
        _node.Membership.IsJoint
        || !KnowsWhatWasDecided
        || !_keyspace.Members.Configuration.Span.SequenceEqual(_node.Membership.Encode());

    private void Refuse(in MemberChange change, ProposalId id, EtcdError error)
    {
        if (change.From is { } from)
        {
            Refuse(from, [id.Sequence], error);
        }
        else if (id.Instance == _instance)
        {
            _proposals.Refused(id.Sequence, error);
        }
    }

    private EtcdError? CheckAsLeader(MemberCommand command)
    {
        ulong id = command.Members[0].ID;
        IReadOnlyList<FollowerStatus> followers = _node.Followers();
        return command.Kind switch
        {
            Kind.Add => MemberRules.CheckAdd(_keyspace.Members, command.Members[0].IsLearner, IsActive),
            Kind.Remove => MemberRules.CheckRemove(_keyspace.Members, id, IsActive),
            Kind.Promote => MemberRules.CheckPromote(
                _keyspace.Members,
                id,
                followers.Where(follower => follower.Id.Value == id).Select(static follower => (ulong?)follower.Match).FirstOrDefault(),
                _node.Status.Last.Index),
            _ => null,
        };

        bool IsActive(ulong member) => member == _identity.MemberId || followers.Any(follower => follower.Id.Value == member && follower.IsActive);
    }

    private ProposalOutcome ProposeChange(MemberCommand command, ReadOnlyMemory<byte> payload)
    {
        var id = new NodeId(command.Members[0].ID);
        IEnumerable<NodeId> voters = _node.Membership.Voters;
        IEnumerable<NodeId> learners = _node.Membership.Learners;
        (voters, learners) = command.Kind switch
        {
            Kind.Add => (voters, learners.Append(id)),
            Kind.Promote => (voters.Append(id), learners.Where(other => other != id)),
            _ => (voters.Where(other => other != id), learners.Where(other => other != id)),
        };
        NodeId[] newVoters = [.. voters];
        return newVoters.Length == 0
            ? ProposalOutcome.Busy
            : _node.TryChangeMembership(newVoters, [.. learners], payload);
    }

    private void ApplyMembership(in Entry entry)
    {
        Membership membership = Membership.Decode(entry.Payload);
        Proposal? waiting = null;
        Command? command = null;
        if (!membership.IsJoint && membership.Context.Length > 0)
        {
            // The joint entry before it carried the same command; it counts once, when the change is done.
            command = CommandCodec.Decode(membership.Context.Span, out ProposalId id);
            waiting = _proposals.Take(id);
        }

        CommandResult? result = _keyspace.ApplyMembers(entry.Id.Index, command, entry.Payload);
        if (result is { } answer)
        {
            Note(waiting, answer);
        }
    }

    private void TickMembers(TimeSpan now)
    {
        if (_leads && !IsChangingMembers && _changes.Count == 0)
        {
            PromotePending();
        }

        // Who this is: the cluster learns it from the member itself, as in etcd.
        if (now >= _nextPublish
            && _node.Leader is not null
            && _keyspace.Members.ById.TryGetValue(_identity.MemberId, out MemberRecord? self)
            && (self.Name != _options.Name || self.FeatureLevel != _options.FeatureLevel || !self.ClientUrls.SequenceEqual(_options.EffectiveAdvertiseClientUrls)))
        {
            _nextPublish = now + Limits.RequestTimeout;
            var member = new Member
            {
                ID = _identity.MemberId,
                Name = _options.Name,
                ClientURLs = { _options.EffectiveAdvertiseClientUrls },
            };
            Command publish = MemberCommandOf(Kind.Publish, member);
            ((MemberCommand)publish.Request).FeatureLevel = _options.FeatureLevel;
            Enter(NewProposal(publish), now);
        }
    }

    private void PromotePending()
    {
        ulong last = _node.Status.Last.Index;
        foreach (FollowerStatus follower in _node.Followers())
        {
            if (follower.IsActive
                && follower.Match + Limits.PromotionLagMax >= last
                && _keyspace.Members.ById.TryGetValue(follower.Id.Value, out MemberRecord? member)
                && member.IsPending)
            {
                MemberCommand promote = (MemberCommand)MemberCommandOf(Kind.Promote, new Member { ID = member.Id }).Request;
                promote.Pending = true;
                _ = TryQueueChange(new MemberChange(CommandCodec.Encode(new Command(CommandKind.Member, promote), default)));
                return;
            }
        }
    }

    private static Command MemberCommandOf(Kind kind, Member member) =>
        new(CommandKind.Member, new MemberCommand { Kind = kind, Members = { member } });

    private void StartHandover(Handover handover)
    {
        EtcdError? refused = _node.Role != RaftRole.Leader ? EtcdError.NotLeader
            : handover.To == Handover.ToBest ? null
            : MemberRules.CheckTransfer(_keyspace.Members, handover.To);
        if (refused is not null)
        {
            handover.Fail(refused);
            return;
        }

        NodeId to = handover.To == Handover.ToBest ? BestSuccessor : new NodeId(handover.To);
        if (to == Self)
        {
            handover.Complete(null);
        }
        else if (!_node.TransferLeadership(to))
        {
            handover.Fail(EtcdError.BadTransferee);
        }
        else
        {
            EndHandover(EtcdError.Timeout);
            _handover = handover;
        }
    }

    /// <summary>The voter that is heard of and has most of the log; this member when there is no other.</summary>
    private NodeId BestSuccessor => _node.Followers()
        .Where(follower => follower.IsActive && _node.Membership.Voters.Contains(follower.Id))
        .OrderByDescending(static follower => follower.Match)
        .Select(static follower => follower.Id)
        .FirstOrDefault(Self);

    private void SettleHandover()
    {
        if (_handover is { } waiting && _node.Leader is { } leader && leader != Self)
        {
            waiting.Complete(leader.Value == waiting.To || waiting.To == Handover.ToBest ? null : EtcdError.Timeout);
            _handover = null;
        }
    }

    private void EndHandover(EtcdError error)
    {
        _handover?.Fail(error);
        _handover = null;
    }

    /// <summary>A change that waits for its turn.</summary>
    /// <param name="Payload">The encoded command.</param>
    /// <param name="From">The member whose client asked; null when it is this one.</param>
    private readonly record struct MemberChange(ReadOnlyMemory<byte> Payload, NodeId? From = null);
}
