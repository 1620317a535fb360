using System.Collections.Immutable;
using Discovery.EtcdApi.Messages;
using Google.Protobuf;
using Kind = Discovery.EtcdApi.Messages.MemberCommand.Types.Kind;

namespace Discovery.Store.Keyspace;

/// <summary>
/// Who the members are, were, and who decides. Part of the keyspace's state, so that it is in every snapshot, but no
/// change of it moves the revision. Immutable.
/// </summary>
public sealed record MemberTable
{
    /// <summary>Before a cluster was formed or joined.</summary>
    public static readonly MemberTable Empty = new();

    /// <summary>All members by id, pending ones and learners too.</summary>
    public ImmutableSortedDictionary<ulong, MemberRecord> ById { get; init; } = ImmutableSortedDictionary<ulong, MemberRecord>.Empty;

    /// <summary>Ids of members that are gone: a member that comes back without its memory must not vote a second time.</summary>
    public ImmutableSortedSet<ulong> Removed { get; init; } = [];

    /// <summary>
    /// Raft's membership as of the last entry that changed it, in Raft's own form: opaque here. What a log that begins
    /// with a snapshot needs to know who decides.
    /// </summary>
    public ReadOnlyMemory<byte> Configuration { get; init; }

    /// <summary>What all members' programs can apply (<see cref="FeatureLevels"/>). Never goes back: what it allowed is in logs and snapshots.</summary>
    public uint FeatureLevel { get; init; } = FeatureLevels.Base;

    /// <summary>The members in order of their ids, as clients are shown them.</summary>
    public IEnumerable<Member> Messages => ById.Values.Select(static member => member.ToMessage());

    /// <summary>Whether an id must not be given to a new member.</summary>
    public bool IsTaken(ulong id) => ById.ContainsKey(id) || Removed.Contains(id);

    /// <summary>The table after a change, and etcd's answer to it; refused means unchanged.</summary>
    /// <param name="command">The change.</param>
    /// <param name="isDecided">
    /// Raft follows the change already, since it was in the log: whoever is in its configuration must be here too, or no
    /// call could ever remove him. The leader judged it before; only what cannot be done at all is refused.
    /// </param>
    internal (MemberTable After, CommandResult Result) Apply(MemberCommand command, bool isDecided)
    {
        if ((isDecided ? MemberRules.CheckId(this, command) : MemberRules.Check(this, command)) is { } refused)
        {
            return (this, CommandResult.Failed(refused));
        }

        MemberTable after = this with { ById = Change(command) };
        if (command.Kind == Kind.Remove)
        {
            after = after with { Removed = Removed.Add(command.Members[0].ID) };
        }

        if (after.ById.Values.Select(static member => member.FeatureLevel).DefaultIfEmpty().Min() is var lowest && lowest > FeatureLevel)
        {
            after = after with { FeatureLevel = lowest };
        }

        return (after, CommandResult.Applied(Answer(command, after)));
    }

    private ImmutableSortedDictionary<ulong, MemberRecord> Change(MemberCommand command)
    {
        if (command.Kind == Kind.Bootstrap)
        {
            return command.Members.ToImmutableSortedDictionary(
                static member => member.ID, static member => MemberRecord.From(member, isPending: false));
        }

        Member given = command.Members[0];
        return command.Kind switch
        {
            Kind.Add => ById.Add(given.ID, MemberRecord.From(given, command.Pending)),
            Kind.Remove => ById.Remove(given.ID),
            Kind.Promote => ById.SetItem(given.ID, ById[given.ID] with { IsLearner = false, IsPending = false }),
            Kind.Update => ById.SetItem(given.ID, ById[given.ID] with { PeerUrls = [.. given.PeerURLs.Order(StringComparer.Ordinal)] }),
            Kind.Publish => ById.SetItem(given.ID, ById[given.ID] with
            {
                Name = given.Name,
                ClientUrls = [.. given.ClientURLs],
                FeatureLevel = Math.Max(FeatureLevels.Base, command.FeatureLevel),
            }),
            _ => ById,
        };
    }

    /// <summary>etcd's headers say nothing of a revision here.</summary>
    private static IMessage Answer(MemberCommand command, MemberTable after)
    {
        var header = new ResponseHeader();
        return command.Kind switch
        {
            Kind.Add => new MemberAddResponse
            {
                Header = header,
                Member = after.ById[command.Members[0].ID].ToMessage(),
                Members = { after.Messages },
            },
            Kind.Remove => new MemberRemoveResponse { Header = header, Members = { after.Messages } },
            Kind.Promote => new MemberPromoteResponse { Header = header, Members = { after.Messages } },
            Kind.Update => new MemberUpdateResponse { Header = header, Members = { after.Messages } },
            _ => new MemberListResponse { Header = header, Members = { after.Messages } },
        };
    }
}
